// What a sidecar's memory is made of: node bench/footprint/footprint.bench.ts [--write]
// Each part is loaded alone into a Node of its own, bundled as the program is; least of three. Beside them the sidecar, built and idle.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { freePorts } from '../../test/support/ports.ts';
import { type Figure, report } from './report.ts';

const RUNS = 3;
const SETTLE_MS = 1_500;
const MIB = 1024;

/** Modules that somebody may be tempted to import, each as its source. */
const PARTS: Readonly<Record<string, string>> = {
  'nothing: Node alone': '',
  'node:net, listening': "process.getBuiltinModule('net').createServer().listen(0, '127.0.0.1');",
  'node:http, as the bundle loads it': "globalThis.kept = process.getBuiltinModule('http');",
  'node:http by import: WebSocket, fetch and all': "import * as kept from 'node:http'; globalThis.kept = kept;",
  'node:crypto': "globalThis.kept = process.getBuiltinModule('crypto');",
  'node:tls': "globalThis.kept = process.getBuiltinModule('tls');",
  'node:worker_threads': "globalThis.kept = process.getBuiltinModule('worker_threads');",
  'node:perf_hooks': 'globalThis.kept = performance.now();',
  yaml: "import * as kept from 'yaml'; globalThis.kept = kept;",
  'pino, with a destination': "import { pino } from 'pino'; globalThis.kept = pino({}, pino.destination({ fd: 2, sync: true }));",
  'ipaddr.js': "import * as kept from 'ipaddr.js'; globalThis.kept = kept;",
  "Envoy's messages (src/gen, src/protobuf)": "import { codecs, schemas } from './src/gen/codecs.ts'; globalThis.kept = [codecs, schemas];",
  zod: "import * as kept from 'zod'; globalThis.kept = kept;",
  '@grpc/grpc-js': "import * as kept from '@grpc/grpc-js'; globalThis.kept = kept;",
  '@nats-io/transport-node and jetstream':
    "import * as a from '@nats-io/transport-node'; import * as b from '@nats-io/jetstream'; globalThis.kept = [a, b];",
};

const folder = mkdtempSync(join(tmpdir(), 'ringway-footprint-'));
try {
  const parts: Figure[] = [];
  for (const [name, source] of Object.entries(PARTS)) {
    const file = join(folder, `part-${parts.length}.mjs`);
    execFileSync(process.execPath, ['tools/bundle/part.mjs', file], { input: `${source}\nsetInterval(() => {}, 1e9);` });
    parts.push(await least(name, [file]));
    console.log(JSON.stringify(parts.at(-1)));
  }
  const sidecars = await measureSidecars();
  const text = report({ node: process.version, parts, sidecars });
  console.log(text);
  if (process.argv.includes('--write')) writeFileSync('docs/reference/footprint.md', text);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measureSidecars(): Promise<Figure[]> {
  const program = 'dist/bin/ringway.js';
  const [listen, admin] = await freePorts(2);
  const flags = ['--listen', `127.0.0.1:${listen}`, '--admin', `127.0.0.1:${admin}`];
  const spy = join(folder, 'spy.mjs');
  // V8 as it is without what the program tells it
  writeFileSync(
    spy,
    `import v8 from 'node:v8'; v8.setFlagsFromString = () => {}; process.getBuiltinModule('node:v8').setFlagsFromString = () => {};`,
  );
  const inbound = ['sidecar', 'inbound', ...flags];
  return [
    await least('sidecar inbound', [program, ...inbound]),
    await least('the same, V8 not told to stay small', ['--import', pathToFileURL(spy).href, program, ...inbound]),
    await least('the same, from TypeScript as a checkout runs it', ['src/cli/main.ts', ...inbound]),
  ];
}

/** The run with the least memory. */
async function least(name: string, words: readonly string[]): Promise<Figure> {
  const runs: Figure[] = [];
  for (let run = 0; run < RUNS; run += 1) runs.push(await measure(name, words));
  return runs.reduce((a, b) => (b.rssMib < a.rssMib ? b : a));
}

async function measure(name: string, words: readonly string[]): Promise<Figure> {
  const child = spawn(process.execPath, words, { stdio: 'ignore' });
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const figure = { name, ...memoryOf(child), cpuMs: cpuMsOf(child) };
  child.kill('SIGKILL');
  await once(child, 'exit');
  return figure;
}

function memoryOf({ pid }: ChildProcess): Pick<Figure, 'rssMib' | 'ownMib'> {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN);
  return { rssMib: kib('Rss') / MIB, ownMib: kib('Anonymous') / MIB };
}

function cpuMsOf({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}
