// The fuzzer as a command: npm run fuzz -- [--frames 10000000] [--seed N] [--case N] [--write]
// --case runs one case again and says what is wrong with it; --write keeps the result in bench/results/fuzz.json.
import { writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CASES_A_PATH, type Failure, Fuzzer } from './fuzzer.ts';

const RESULT = join(import.meta.dirname, '../../bench/results/fuzz.json');
const MAX_FAILURES = 20;
const PROGRESS_MS = 10_000;

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '200000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    case: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
if (values.case !== undefined) await again(Number(values.case));
else await manyFrames(Number(values.frames));

async function manyFrames(most: number): Promise<void> {
  console.log(`fuzz: seed ${seed}, ${most} frames`);
  const fuzzer = new Fuzzer(seed);
  const unwatch = fuzzer.watchProcess();
  const began = performance.now();
  let said = began;
  let failures = 0;
  for (let index = 0; fuzzer.frames < most && failures < MAX_FAILURES; index += 1) {
    const failure = await fuzzer.run(index);
    if (failure) {
      failures += 1;
      console.log(`fuzz: case ${index} (${failure.kind}) failed:\n  ${failure.faults.join('\n  ')}\n  ${await kept(index)}`);
    }
    if (performance.now() - said < PROGRESS_MS) continue;
    said = performance.now();
    console.log(`fuzz: ${fuzzer.frames} frames in ${fuzzer.cases} cases, ${rate(fuzzer.frames, began)} a second, ${failures} failed`);
  }
  const faults = await fuzzer.endPath();
  unwatch();
  const seconds = (performance.now() - began) / 1000;
  const { frames, cases, memory } = fuzzer;
  console.log(`fuzz: ${frames} frames in ${cases} cases and ${seconds.toFixed(0)} s, ${failures} failed ${faults.join()}`);
  if (failures + faults.length > 0) process.exitCode = 1;
  if (!values.write) return;
  const command = `npm run fuzz -- --frames ${most} --seed ${seed} --write`;
  const result = {
    command,
    date: today(),
    node: process.version,
    cpus: availableParallelism(),
    seed,
    frames,
    cases,
    seconds,
    failures,
    memory,
  };
  writeFileSync(RESULT, `${JSON.stringify(result, null, 2)}\n`);
}

/** Runs a case again, for its octets, and says where they are. */
async function kept(index: number): Promise<string> {
  const failure = await runAlone(index);
  if (!failure) return `does not fail alone: npm run fuzz -- --seed ${seed} --case ${index}`;
  const file = join(tmpdir(), `ringway-fuzz-${seed}-${index}.json`);
  const connections = failure.connections.map(({ engine, chunks }) => ({ engine, chunks: chunks.map((chunk) => chunk.toString('hex')) }));
  writeFileSync(file, `${JSON.stringify({ seed, index, kind: failure.kind, faults: failure.faults, connections }, null, 1)}\n`);
  return `its octets are in ${file}; again: npm run fuzz -- --seed ${seed} --case ${index}`;
}

async function again(index: number): Promise<void> {
  const failure = await runAlone(index);
  console.log(failure ? `fuzz: case ${index} (${failure.kind}) failed:\n  ${failure.faults.join('\n  ')}` : `fuzz: case ${index} passed`);
  if (failure) process.exitCode = 1;
}

/** With the cases before it on the same data plane, whose clock they have moved. */
async function runAlone(index: number): Promise<Failure | undefined> {
  const fuzzer = new Fuzzer(seed);
  const unwatch = fuzzer.watchProcess();
  for (let before = index - (index % CASES_A_PATH); before < index; before += 1) await fuzzer.run(before);
  const failure = await fuzzer.run(index, true);
  await fuzzer.endPath();
  unwatch();
  return failure;
}

function rate(frames: number, began: number): number {
  return Math.round((frames * 1000) / (performance.now() - began));
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
