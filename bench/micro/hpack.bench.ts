// CPU nanoseconds a header block takes through decoder and encoder, as in a proxy: node bench/micro/hpack.bench.ts [--write]
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { HpackDecoder } from '../../src/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../src/http2/hpack/encoder.ts';
import { field } from '../../src/http2/index.ts';
import { QUERIER_HEADERS } from './querier-headers.ts';

const BLOCKS = 2000;
const WARM_UP = 20;
const ROUNDS = 300;

/** Blocks of one connection, each with two values that are new. */
function makeBlocks(): Buffer[] {
  const encoder = new HpackEncoder();
  return Array.from({ length: BLOCKS }, (_, index) => {
    const trace = `00-${index.toString(16).padStart(32, '0')}-00f067aa0ba902b7-01`;
    const block = [...QUERIER_HEADERS, field('grpc-timeout', `${9_000_000 + index}u`), field('traceparent', trace)];
    const target = Buffer.alloc(encoder.bound(block));
    return Buffer.from(target.subarray(0, encoder.encode(block, target, 0)));
  });
}

/** CPU nanoseconds a block, over many rounds: the kernel counts CPU time in ticks of milliseconds. */
function measure(work: (blocks: readonly Buffer[]) => void): number {
  const blocks = makeBlocks();
  for (let round = 0; round < WARM_UP; round += 1) work(blocks);
  const before = process.threadCpuUsage();
  for (let round = 0; round < ROUNDS; round += 1) work(blocks);
  const { user, system } = process.threadCpuUsage(before);
  return Math.round(((user + system) * 1000) / (BLOCKS * ROUNDS));
}

const limits = { maxBytes: 61_440, maxFields: 100 };
const target = Buffer.alloc(65_536);
const results = {
  decode: measure((blocks) => {
    const decoder = new HpackDecoder(limits);
    for (const block of blocks) decoder.decode(block, 0, block.length);
  }),
  decodeAndRead: measure((blocks) => {
    const decoder = new HpackDecoder(limits);
    for (const block of blocks) for (const { value } of decoder.decode(block, 0, block.length) ?? []) if (value === '\0') throw new Error();
  }),
  decodeAndEncode: measure((blocks) => {
    const decoder = new HpackDecoder(limits);
    const encoder = new HpackEncoder();
    for (const block of blocks) encoder.encode(decoder.decode(block, 0, block.length) ?? [], target, 0);
  }),
};
console.log(JSON.stringify(results));
const report = { node: process.version, cpu: cpus()[0]?.model, unit: 'CPU ns per block of 12 fields', results };
if (process.argv.includes('--write'))
  writeFileSync(join(import.meta.dirname, '../results/micro-hpack.json'), `${JSON.stringify(report, null, 2)}\n`);
