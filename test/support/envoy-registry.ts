import { readFileSync } from 'node:fs';
import { createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/** protobuf-es over the same image that src/gen is made of: the second opinion on every message. */
export function envoyRegistry(): FileRegistry {
  const file = new URL('../../node_modules/.cache/ringway/envoy.binpb', import.meta.url);
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(file)));
}
