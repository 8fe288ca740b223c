import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPeer, peerHint, peerSkip } from './peers.ts';

/** The real Envoy to test with: RINGWAY_ENVOY, else `envoy` on PATH, else undefined. */
const envoyBinary: string | undefined = findPeer('envoy');

/** For tap's `skip`: false when there is an Envoy, or when there must be one; else the line that says how to get one. */
export const envoySkip: string | false = peerSkip('envoy');

/** A running Envoy. */
export interface EnvoyProcess {
  /** host:port of its admin pages (the port was chosen by the kernel). */
  readonly adminAddress: string;
  readonly pid: number;
  /** Everything it has logged so far. */
  readonly log: () => string;
  /** Resolves when /ready says LIVE. */
  waitReady(timeoutMs?: number): Promise<void>;
  /** GET (or POST) of an admin page as text. Throws when it cannot be reached. */
  admin(path: string, method?: 'GET' | 'POST'): Promise<string>;
  /** Counters and gauges by Envoy's dotted name; `filter` is an RE2 expression. */
  stats(filter?: string): Promise<ReadonlyMap<string, number>>;
  /** Resolves when `test` of the stats is true; throws with the last values when it never is. */
  waitStats(test: (stats: ReadonlyMap<string, number>) => boolean, options?: { filter?: string; timeoutMs?: number }): Promise<void>;
  /** Resolves with the port that listener `name` is bound to. */
  listenerPort(name: string): Promise<number>;
  /** SIGTERM, then SIGKILL after 5 s; resolves when it is gone. May be called twice. */
  stop(): Promise<void>;
}

export interface EnvoyOptions {
  /** More flags, e.g. ['--service-node', 'live-store-zone-a-0']. */
  readonly args?: readonly string[];
  /** `info` unless given. */
  readonly logLevel?: string;
  /** What takes Envoy's flags in its place: `[node, main.ts, 'sidecar']`. */
  readonly program?: readonly string[];
}

/** The admin section every test Envoy gets: laid over the bootstrap, so a bootstrap without one works too. */
const ADMIN_ON_FREE_PORT = 'admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}';

/**
 * Starts Envoy with a bootstrap given as YAML text and resolves when its admin pages answer (not: when it is ready).
 * Throws with Envoy's own words when it exits before that. Call `stop()` in `t.after`.
 */
export async function startEnvoy(bootstrap: string, options: EnvoyOptions = {}): Promise<EnvoyProcess> {
  const [command, ...first] = options.program ?? (envoyBinary ? [envoyBinary] : []);
  if (!command) throw new Error(peerHint('envoy'));
  const folder = await mkdtemp(join(tmpdir(), 'ringway-envoy-'));
  const file = join(folder, 'envoy.yaml');
  const addressFile = join(folder, 'admin.txt');
  await writeFile(file, bootstrap);
  const flags = ['--use-dynamic-base-id', '--disable-hot-restart', '--concurrency', '1', '-l', options.logLevel ?? 'info'];
  const child = spawn(
    command,
    [...first, '-c', file, '--config-yaml', ADMIN_ON_FREE_PORT, '--admin-address-path', addressFile, ...flags, ...(options.args ?? [])],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const log = collect(child);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const killWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  const stop = async (): Promise<void> => {
    process.removeListener('exit', killWithUs);
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(force);
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const adminAddress = await until(async () => {
      if (child.exitCode !== null) throw new Fatal(`envoy exited with ${child.exitCode}: ${reasonIn(log())}`);
      const address = await readFile(addressFile, 'utf8').catch(() => '');
      return address === '' ? undefined : address.trim();
    }, 20_000);
    return describe(child, adminAddress, log, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What `envoy --mode validate` says about a bootstrap: its exit code and everything it printed. Binds nothing. */
export async function validateWithEnvoy(
  bootstrap: string,
  options: { readonly extension?: 'yaml' | 'json'; readonly args?: readonly string[] } = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  if (!envoyBinary) throw new Error(peerHint('envoy'));
  const folder = await mkdtemp(join(tmpdir(), 'ringway-envoy-'));
  const file = join(folder, `envoy.${options.extension ?? 'yaml'}`);
  await writeFile(file, bootstrap);
  const flags = ['--mode', 'validate', '--use-dynamic-base-id', '--disable-hot-restart'];
  const child = spawn(envoyBinary, ['-c', file, ...flags, ...(options.args ?? [])], { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = collect(child);
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve);
    child.once('error', () => resolve(null));
  });
  await rm(folder, { recursive: true, force: true });
  return { code, output: log() };
}

function describe(child: ChildProcess, adminAddress: string, log: () => string, stop: () => Promise<void>): EnvoyProcess {
  const admin = async (path: string, method: 'GET' | 'POST' = 'GET'): Promise<string> => {
    const response = await fetch(`http://${adminAddress}${path}`, { method, headers: { connection: 'close' } });
    return response.text();
  };
  const stats = async (filter?: string): Promise<ReadonlyMap<string, number>> => {
    const text = await admin(`/stats${filter === undefined ? '' : `?filter=${encodeURIComponent(filter)}`}`);
    const found = new Map<string, number>();
    for (const [, name, value] of text.matchAll(/^(\S+): (\d+)$/gm)) found.set(name as string, Number(value));
    return found;
  };
  return {
    adminAddress,
    pid: child.pid as number,
    log,
    admin,
    stats,
    stop,
    waitReady: (timeoutMs = 20_000) =>
      until(async () => {
        if (child.exitCode !== null) throw new Fatal(`envoy exited with ${child.exitCode}: ${reasonIn(log())}`);
        return (await admin('/ready')).trim() === 'LIVE' ? true : undefined;
      }, timeoutMs).then(() => {}),
    async waitStats(test, options = {}) {
      let last: ReadonlyMap<string, number> = new Map();
      await until(async () => {
        last = await stats(options.filter);
        return test(last) ? true : undefined;
      }, options.timeoutMs ?? 20_000).catch((error: unknown) => {
        throw new Error(`${String(error)}; last stats: ${JSON.stringify(Object.fromEntries(last))}`);
      });
    },
    listenerPort: (name) =>
      until(async () => {
        const line = (await admin('/listeners')).split('\n').find((text) => text.startsWith(`${name}::`));
        return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(':') + 1));
      }, 20_000),
  };
}

/** An error that ends `until` at once. */
class Fatal extends Error {}

/** Asks a foreign process again and again, as it has no event to wait for; undefined or a failed request means not yet. */
async function until<T>(ask: () => Promise<T | undefined>, timeoutMs: number): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      if (error instanceof Fatal) throw error;
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`nothing after ${timeoutMs} ms${last === undefined ? '' : `: ${String(last)}`}`);
}

function collect(child: ChildProcess): () => string {
  let text = '';
  const take = (chunk: Buffer): void => {
    text += chunk.toString('utf8');
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  child.once('error', (error) => take(Buffer.from(String(error))));
  return () => text;
}

/** The lines of a log that say why Envoy gave up, or its tail. */
function reasonIn(log: string): string {
  const critical = log.split('\n').filter((line) => line.includes('[critical]') || line.includes('[error]'));
  return (critical.length > 0 ? critical.join('\n') : log.slice(-2_000)).trim();
}
