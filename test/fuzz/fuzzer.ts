import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Dice } from './dice.ts';
import { type Outcome, runEngineCase } from './engine-case.ts';
import { turn } from './memory-socket.ts';
import { Path } from './path.ts';
import { runPathCase } from './path-case.ts';

/** The engine as a server, as a client, or the whole data path (half of all cases). */
const KINDS = ['server', 'client', 'path', 'path'] as const;
type Kind = (typeof KINDS)[number];

/** So many cases share a data plane, and every other one of these takes malformed messages as faults of their streams only. */
export const CASES_A_PATH = 64;
/** So many cases between two looks at the memory; what the first looks found is normal. */
const CASES_A_LOOK = 2048;
const LOOKS_TO_WARM_UP = 3;
const MAX_GROWTH = 32 * 1024 * 1024;

/** A case that went wrong. */
export interface Failure extends Outcome {
  readonly index: number;
  readonly kind: Kind;
}

/** Runs cases one after the other. What nobody catches in this process is a fault of the case that runs. */
export class Fuzzer {
  readonly seed: number;
  frames = 0;
  cases = 0;
  /** Octets in use after a full collection: at the first look that counts, and at the last. */
  readonly memory: { first: number; last: number } = { first: 0, last: 0 };
  readonly #uncaught: string[] = [];
  #path: Path | undefined;
  #looks = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** Must be called before the first case, and what it returns after the last. */
  watchProcess(): () => void {
    const onError = (error: unknown): void => {
      this.#uncaught.push(`nobody caught ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    };
    for (const event of ['uncaughtException', 'unhandledRejection', 'warning'] as const) process.on(event, onError);
    return () => {
      for (const event of ['uncaughtException', 'unhandledRejection', 'warning'] as const) process.off(event, onError);
    };
  }

  /** Undefined when all went well. `keepsChunks`: the failure has what was sent. */
  async run(index: number, keepsChunks = false): Promise<Failure | undefined> {
    const dice = new Dice(this.seed, index);
    const kind = dice.one(KINDS);
    const faults: string[] = [];
    if (index % CASES_A_PATH === 0) faults.push(...(await this.endPath()));
    this.#path ??= await Path.start(await mkdtemp(join(tmpdir(), 'ringway-fuzz-')), (Math.floor(index / CASES_A_PATH) & 1) === 1);
    const outcome = kind === 'path' ? await runPathCase(dice, this.#path, keepsChunks) : await runEngineCase(dice, kind, keepsChunks);
    this.frames += outcome.frames;
    this.cases += 1;
    faults.push(...outcome.faults, ...this.#uncaught.splice(0), ...(await this.#look()));
    return faults.length === 0 ? undefined : { ...outcome, index, kind, faults };
  }

  /** Ends the data plane of the last cases; what is wrong with it. */
  async endPath(): Promise<string[]> {
    const faults = await this.#path?.stop();
    this.#path = undefined;
    return faults ?? [];
  }

  async #look(): Promise<string[]> {
    if (this.cases % CASES_A_LOOK !== 0) return [];
    this.#looks += 1;
    if (this.#looks < LOOKS_TO_WARM_UP) return [];
    collectGarbage();
    // octets of buffers are counted until another collection has swept them
    await turn();
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    this.memory.last = heapUsed + arrayBuffers;
    this.memory.first ||= this.memory.last;
    const growth = this.memory.last - this.memory.first;
    return growth > MAX_GROWTH ? [`${growth} octets more are in use than at the beginning`] : [];
  }
}

let collect: (() => void) | undefined;

function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}
