// `ringway sidecar` as real processes: the first, and the workers it starts.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ServerHttp2Stream } from 'node:http2';
import { createConnection } from 'node:net';
import { join, resolve } from 'node:path';
import { createCaller, type GrpcCaller } from './grpc-backend.ts';
import { answerGrpc, type Peer, startPeer } from './h2-peers.ts';
import { clusterYaml, listenerYaml } from './sidecar.ts';

/** RINGWAY_PROGRAM: another build of the program. */
const program = (): string => resolve(process.env['RINGWAY_PROGRAM'] ?? join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts'));

export interface SidecarProcess {
  readonly child: ChildProcess;
  /** Everything on stderr, and on stdout, so far. */
  readonly written: { stderr: string; stdout: string };
  readonly exit: Promise<number | null>;
  /** Where a listener is bound. */
  listener(name: string): string;
  admin(path: string, method?: 'GET' | 'POST'): Promise<string>;
  /** Values of `/stats` by name; those that `filter` (a regular expression) fits. */
  stats(filter: string): Promise<Map<string, number>>;
  /** Resolves when `test` is true of what `read` gives, asked again and again. */
  until<T>(read: () => Promise<T>, test: (value: T) => boolean): Promise<T>;
  /** Resolves when stderr has the text. */
  says(text: string): Promise<void>;
  /** Process ids of the workers that run now. */
  workers(): number[];
}

/** Starts one with these words, and waits until it is bound and `workers` serve beside it. It is killed when the test ends. */
export async function startSidecarProcess(
  t: { teardown(fn: () => void): void },
  args: readonly string[],
  workers: number,
): Promise<SidecarProcess> {
  const child = spawn(process.execPath, [program(), 'sidecar', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  const written = { stderr: '', stdout: '' };
  for (const name of ['stderr', 'stdout'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      written[name] += chunk;
    });
  }
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  const found = (pattern: RegExp): string => pattern.exec(written.stderr)?.[1] ?? '';
  const sidecar: SidecarProcess = {
    child,
    written,
    exit,
    listener: (name) => found(new RegExp(`[: ]${name} on (\\S+?)[,\\n]`)),
    admin: async (path, method = 'GET') => (await fetch(`${found(/pages on (http:\S+)\//)}${path}`, { method })).text(),
    async stats(filter) {
      const lines = (await sidecar.admin(`/stats?type=Counters&filter=${encodeURIComponent(filter)}`)).split('\n');
      const gauges = (await sidecar.admin(`/stats?type=Gauges&filter=${encodeURIComponent(filter)}`)).split('\n');
      const pairs = [...lines, ...gauges].filter((line) => line.includes(': ')).map((line) => line.split(': '));
      return new Map(pairs.map(([name = '', value]) => [name, Number(value)]));
    },
    async until(read, test) {
      for (;;) {
        const value = await read();
        if (test(value)) return value;
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    async says(text) {
      while (!written.stderr.includes(text)) await once(child.stderr, 'data');
    },
    workers: () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  };
  await Promise.race([sidecar.says('pages on'), exit]);
  if (child.exitCode === null)
    await sidecar.until(
      () => sidecar.stats('workers_serving'),
      (stats) => (stats.get('ringway.workers_serving') ?? 0) === workers,
    );
  return sidecar;
}

const ADMIN = 'admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }';

/** A bootstrap with admin pages, one cluster `a`, and one listener that routes to it. */
export function bootstrap(backend: string, listener: string = listenerYaml('in', 0, { cluster: 'a' })): string {
  return `${ADMIN}\nstatic_resources: { listeners: [${listener}], clusters: [${clusterYaml('a', backend)}] }`;
}

/** Connections of their own. */
export function callers(sidecar: SidecarProcess, count: number, listener = 'in'): GrpcCaller[] {
  return Array.from({ length: count }, () => createCaller(sidecar.listener(listener)));
}

/** Members that answered one call on each, or the status. */
export async function askAll(all: readonly GrpcCaller[]): Promise<Set<string>> {
  const replies = await Promise.all(all.map((caller) => caller.call('any', '/x.Y/Z')));
  return new Set(replies.map(({ status, member }) => (status === 0 ? member : String(status))));
}

/** The figure whose name ends so; -1 without one. */
export function figure(stats: ReadonlyMap<string, number>, end: string): number {
  return [...stats].find(([name]) => name.endsWith(end))?.[1] ?? -1;
}

/** How many of some connections are refused. */
export async function refusals(address: string, count: number): Promise<number> {
  const [host = '', port] = address.split(':');
  const attempts = Array.from({ length: count }, () => {
    const socket = createConnection({ host, port: Number(port) });
    return new Promise<number>((resolve) => {
      socket.once('error', () => resolve(1));
      socket.once('connect', () => resolve(0));
    }).finally(() => socket.destroy());
  });
  return (await Promise.all(attempts)).reduce((sum, refused) => sum + refused, 0);
}

/** A backend whose answers wait until they are let go. */
export async function startSlowBackend(): Promise<Peer & { readonly waiting: ServerHttp2Stream[]; answerAll(): void }> {
  const waiting: ServerHttp2Stream[] = [];
  const peer = await startPeer((stream) => void waiting.push(stream));
  return {
    ...peer,
    waiting,
    answerAll: () => {
      for (const stream of waiting.splice(0)) if (!stream.destroyed) answerGrpc(stream);
    },
  };
}
