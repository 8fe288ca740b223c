import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import { messageOf } from '../../core/index.ts';
import { UsageError } from '../command.ts';
import type { CallableMethod, MethodTable } from './method.ts';

/** The services of .proto files; imports are looked for in this folder and beside the files. Throws UsageError with the parser's words. */
export function readProtoFiles(files: readonly string[]): MethodTable {
  const absent = files.find((file) => !existsSync(file));
  if (absent !== undefined) throw new UsageError(`--proto: no such file: ${absent}`);
  const table = new Map<string, ReadonlyMap<string, CallableMethod>>();
  for (const [service, definition] of Object.entries(load(files))) {
    if ('format' in definition) continue; // a message or an enum
    const methods = Object.values(definition as Readonly<Record<string, MethodDefinition<object, object>>>);
    table.set(service, new Map(methods.map((method) => [method.path.slice(method.path.lastIndexOf('/') + 1), callable(method)])));
  }
  return table;
}

function load(files: readonly string[]): ReturnType<typeof loadSync> {
  try {
    return loadSync([...files], { includeDirs: ['.', ...files.map(dirname)], longs: String, enums: String, bytes: String });
  } catch (error) {
    throw new UsageError(`--proto: ${messageOf(error)}`, error);
  }
}

function callable(method: MethodDefinition<object, object>): CallableMethod {
  return {
    path: method.path,
    isClientStream: method.requestStream,
    encode: (json) => method.requestSerialize(JSON.parse(json) as object),
    decode: (bytes) => JSON.stringify(method.responseDeserialize(Buffer.from(bytes)), undefined, 2),
  };
}
