// One compiled image of all roots and what they import.
import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorSet, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { root, work, workModule } from './paths.ts';
import { run } from './run.ts';

/** Import paths of the project's own .proto files. */
export function ownProtos(): readonly string[] {
  const folder = join(root, 'proto');
  return globSync('**/*.proto', { cwd: folder }).sort();
}

/** Compiles roots.proto of the work module with all its imports. */
export async function buildImage(): Promise<FileDescriptorSet> {
  const out = join(work, 'image.binpb');
  await run('buf', ['build', '--exclude-source-info', '-o', out, '--path', relative(root, join(workModule, 'roots.proto'))]);
  return fromBinary(FileDescriptorSetSchema, readFileSync(out));
}
