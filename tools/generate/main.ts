// Generates src/gen: see README.md beside this file.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { generateCodecs } from './codecs.ts';
import { buildImage, ownProtos } from './image.ts';
import { writeWorkModule } from './module.ts';
import { addCodecs, writeCodecs, writeDescriptors, writeSchema } from './modules.ts';
import { layOverlay } from './overlay.ts';
import { generated, imageFile, work } from './paths.ts';
import { prune } from './prune.ts';
import { foreignRoots } from './roots.ts';
import { schemaTable } from './schema.ts';

const own = ownProtos();
writeWorkModule([...foreignRoots, ...own]);
const image = await buildImage();
layOverlay(image);
writeFileSync(imageFile, toBinary(FileDescriptorSetSchema, image));

const envoy = prune(image, foreignRoots);
const ours = prune(image, own);
const out = join(work, 'gen');
mkdirSync(out, { recursive: true });
await generateCodecs(envoy, out, { name: 'envoy', made: 'types' });
addCodecs(out, envoy);
await generateCodecs(ours, out, { name: 'own', made: 'codecs' });
writeSchema(out, schemaTable(image, envoy));
writeCodecs(out, envoy);
writeDescriptors(out, create(FileDescriptorSetSchema, { file: image.file.filter((file) => own.includes(file.name)) }));

rmSync(generated, { recursive: true, force: true });
mkdirSync(dirname(generated), { recursive: true });
renameSync(out, generated);
