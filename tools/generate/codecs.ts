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

/** What is made of an image: message types alone, or codecs too, whose messages carry fields they do not know along (`_unknownFields`). */
const MADE = { types: ['onlyTypes=true'], codecs: ['unknownFields=true'] } as const;

/** Writes one .ts file a .proto into `out`. */
export async function generateCodecs(
  image: FileDescriptorSet,
  out: string,
  { name, made }: { name: string; made: keyof typeof MADE },
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
        opt: [...MADE[made], ...OPTIONS],
      },
    ],
  };
  const file = join(work, `${name}.gen.yaml`);
  writeFileSync(file, JSON.stringify(template));
  await run('buf', ['generate', '--template', relative(root, file)]);
}
