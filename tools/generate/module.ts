// The buf module in the work folder: a validate.proto that strict compilers take, and one file that imports every root.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, work, workModule } from './paths.ts';

/** Numbers of `ignore_empty`, which Envoy's files use and the package's copy of validate.proto does not know. */
const IGNORE_EMPTY: Readonly<Record<string, number>> = { StringRules: 26, BytesRules: 14, RepeatedRules: 5, MapRules: 6 };
const NUMBER_RULES = /^(Float|Double|S?U?[Ii]nt(32|64)|UInt(32|64)|S?Fixed(32|64)|SFixed(32|64))Rules$/;
const IGNORE_EMPTY_OF_NUMBERS = 8;

/** Writes the module afresh; `roots` are import paths. */
export function writeWorkModule(roots: readonly string[]): void {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(workModule, 'validate'), { recursive: true });
  const original = readFileSync(join(root, 'node_modules/@grpc/grpc-js-xds/deps/protoc-gen-validate/validate/validate.proto'), 'utf8');
  writeFileSync(join(workModule, 'validate', 'validate.proto'), withIgnoreEmpty(original));
  const imports = roots.map((path) => `import "${path}";\n`).join('');
  writeFileSync(join(workModule, 'roots.proto'), `syntax = "proto3";\n${imports}`);
}

function withIgnoreEmpty(proto: string): string {
  if (proto.includes('ignore_empty')) return proto;
  return proto.replace(/^message (\w+) \{$/gm, (line, name: string) => {
    const number = NUMBER_RULES.test(name) ? IGNORE_EMPTY_OF_NUMBERS : IGNORE_EMPTY[name];
    return number === undefined ? line : `${line}\n  optional bool ignore_empty = ${number};`;
  });
}
