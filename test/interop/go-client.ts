import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { formatHostPort, type HostPort } from '../../src/core/index.ts';

/** What the client in Go found in one scenario (go/report.go). */
export interface Finding {
  readonly name: string;
  readonly calls: number;
  /** Calls by grpc-status. */
  readonly byStatus: Readonly<Record<string, number>>;
  /** How much was not as it must be, and the first ten of it. */
  readonly wrong: number;
  readonly bad: readonly string[];
  /** How many connections the servers accepted, where the scenario asks. */
  readonly connections?: number;
  /** Bytes of bodies that went and came back whole, where the scenario counts. */
  readonly bytes?: number;
  readonly ms: number;
}

export interface GoClientOptions {
  readonly interop: string;
  readonly target: HostPort;
  /** :authority of every call; the target unless given. */
  readonly authority?: HostPort;
  /** Every server behind the target. */
  readonly servers: readonly HostPort[];
  readonly scenarios: readonly string[];
  /** The process that the scenario ends, where it does. */
  readonly pid?: number;
  /** How many calls the scenario echo-soak makes; 500. */
  readonly calls?: number;
  /** Of all that is random. No two clients of one server may have the same. */
  readonly seed: number;
}

/** Runs the client; yields what each scenario found as soon as it has ended. Throws with the client's words when it fails itself. */
export async function* runGoClient(options: GoClientOptions): AsyncGenerator<Finding> {
  const direct = options.servers.map(formatHostPort).join(',');
  const where = ['--target', formatHostPort(options.target), '--direct', direct];
  const authority = options.authority ? ['--authority', formatHostPort(options.authority)] : [];
  const ending = options.pid === undefined ? [] : ['--pid', String(options.pid)];
  const what = ['--scenarios', options.scenarios.join(','), '--seed', String(options.seed)];
  const amount = options.calls === undefined ? [] : ['--calls', String(options.calls)];
  const child = spawn(options.interop, ['client', ...where, ...authority, ...ending, ...amount, ...what], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    words += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  try {
    for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as Finding;
    const code = await ended;
    if (code !== 0) throw new Error(`the client ended with ${code}: ${words.slice(-2_000)}`);
  } finally {
    child.kill('SIGKILL');
  }
}
