import {
  create,
  createFileRegistry,
  type DescMethod,
  type FileRegistry,
  fromBinary,
  fromJsonString,
  toBinary,
  toJsonString,
} from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { fileDescriptorSet } from '../../gen/descriptors.ts';
import type { CallableMethod, MethodTable } from './method.ts';

/** What is built in: tempopb, OTLP, the dskit rings, gRPC health and reflection. */
export function builtInSchema(): FileRegistry {
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(fileDescriptorSet, 'base64')));
}

/** The schema of encoded FileDescriptorProtos in any order, repeated ones allowed. Throws when an import is missing. */
export function schemaOfProtos(encoded: readonly Uint8Array[]): FileRegistry {
  const byName = new Map<string, FileDescriptorProto>();
  for (const bytes of encoded) {
    const proto = fromBinary(FileDescriptorProtoSchema, bytes);
    byName.set(proto.name, proto);
  }
  const file: FileDescriptorProto[] = [];
  const visit = (name: string): void => {
    const proto = byName.get(name);
    if (!proto) return;
    byName.delete(name);
    for (const dependency of proto.dependency) visit(dependency);
    file.push(proto);
  };
  for (const name of [...byName.keys()]) visit(name);
  return createFileRegistry(create(FileDescriptorSetSchema, { file }));
}

/** Names of files that others import and that are not among `encoded`. */
export function missingImports(encoded: readonly Uint8Array[]): string[] {
  const protos = encoded.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  const known = new Set(protos.map((proto) => proto.name));
  return [...new Set(protos.flatMap((proto) => proto.dependency))].filter((name) => !known.has(name));
}

/** Every service of a schema, sorted by name, called with canonical proto3 JSON. */
export function methodsOf(schema: FileRegistry): MethodTable {
  const services = [...schema].filter((desc) => desc.kind === 'service').sort((a, b) => (a.typeName < b.typeName ? -1 : 1));
  return new Map(
    services.map((service) => [service.typeName, new Map(service.methods.map((method) => [method.name, callable(method, schema)]))]),
  );
}

function callable(method: DescMethod, registry: FileRegistry): CallableMethod {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    isClientStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
    encode: (json) => toBinary(method.input, fromJsonString(method.input, json, { registry })),
    decode: (bytes) => toJsonString(method.output, fromBinary(method.output, bytes), { prettySpaces: 2, registry }),
  };
}
