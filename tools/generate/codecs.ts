// ts-proto over a pruned image.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { type FileDescriptorSet, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { root, work } from './paths.ts';
import { run } from './run.ts';

const OPTIONS = [
  'outputJsonMethods=false',
  'outputPartialMethods=false',
  'outputServices=none',
  'exportCommonSymbols=false',
  'enumsAsLiterals=true',
  'unrecognizedEnum=false',
  'oneof=unions-value',
  'forceLong=bigint',
  'useDate=false',
  'useMapType=true',
  'useOptionals=none',
  'importSuffix=.ts',
  'esModuleInterop=true',
  'removeComments=true',
];

/** Writes one .ts file a .proto into `out`. `keepUnknown`: messages carry fields they do not know along (`_unknownFields`). */
export async function generateCodecs(
  image: FileDescriptorSet,
  out: string,
  { name, keepUnknown }: { name: string; keepUnknown: boolean },
): Promise<void> {
  mkdirSync(work, { recursive: true });
  const binary = join(work, `${name}.binpb`);
  writeFileSync(binary, toBinary(FileDescriptorSetSchema, image));
  const template = {
    version: 'v2',
    inputs: [{ binary_image: relative(root, binary) }],
    plugins: [
      {
        local: 'node_modules/.bin/protoc-gen-ts_proto',
        out: relative(root, out),
        strategy: 'all',
        include_imports: true,
        include_wkt: true,
        opt: [...OPTIONS, ...(keepUnknown ? ['unknownFields=true'] : [])],
      },
    ],
  };
  const file = join(work, `${name}.gen.yaml`);
  writeFileSync(file, JSON.stringify(template));
  await run('buf', ['generate', '--template', relative(root, file)]);
}
