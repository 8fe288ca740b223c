import { type ChildProcess, type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** A program on a core of its own. It ends with this process. */
export interface Pinned {
  readonly child: ChildProcess;
  readonly pid: number;
  /** When it was started, by performance.now(). */
  readonly startedMs: number;
  /** The next line on its stdout. Throws with what it wrote on stderr when it ends first. */
  line(): Promise<string>;
  /** The end of what it wrote on stderr. */
  complaints(): string;
  /** Writes a line to its stdin. */
  say(line: string): void;
  /** Its end, by SIGTERM unless it has ended; SIGKILL after a while. */
  stop(): Promise<void>;
}

const PATIENCE_MS = 2000;

/** Starts a program that may run on one core only: taskset becomes the program, so the pid is its. */
export function pin(core: number, command: readonly string[], env: NodeJS.ProcessEnv = process.env): Pinned {
  const startedMs = performance.now();
  const child: ChildProcessWithoutNullStreams = spawn('taskset', ['-c', String(core), ...command], { env });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-4000);
  });
  child.stdin.on('error', () => {}); // it has ended: whoever waits for a line hears why
  const ended = once(child, 'close').catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const killWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  void ended.then(() => process.removeListener('exit', killWithUs));
  return {
    child,
    pid: child.pid as number,
    startedMs,
    async line() {
      const next = await lines.next();
      if (next.done !== true) return next.value;
      await ended;
      throw new Error(`${command.slice(0, 3).join(' ')}: ended with ${child.exitCode ?? child.signalCode}: ${complaints.trim()}`);
    },
    complaints: () => complaints.trim(),
    say: (line) => void child.stdin.write(`${line}\n`),
    async stop() {
      child.stdin.end();
      child.kill('SIGTERM');
      const force = setTimeout(killWithUs, PATIENCE_MS);
      await ended;
      clearTimeout(force);
    },
  };
}

/** Leaves this process one core as well, so that it does not disturb who is measured on another. */
export function pinSelf(core: number): void {
  execFileSync('taskset', ['-a', '-p', '-c', String(core), String(process.pid)]);
}

/** Nanoseconds that a process, its children and all their threads have run. */
export function cpuNs(pid: number): number {
  let sum = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    sum += Number(read(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0]);
    for (const child of childrenOf(pid, task)) sum += cpuNs(child);
  }
  return sum;
}

/** Bytes of memory that a process and its children have resident; pages they share with each other are counted once. */
export function residentBytes(pid: number): number {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) => childrenOf(pid, task));
  if (children.length === 0) return kilobytes(read(`/proc/${pid}/status`), 'VmRSS') * 1024;
  return [pid, ...children].reduce((sum, each) => sum + kilobytes(read(`/proc/${each}/smaps_rollup`), 'Pss') * 1024, 0);
}

function childrenOf(pid: number, task: string): number[] {
  return read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number);
}

function kilobytes(text: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
}

/** A thread that ends between listing and reading has no file any more. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
