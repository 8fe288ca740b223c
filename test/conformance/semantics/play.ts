// Plays situations through one proxy, all at once, and says what it made of them.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EnvoyProcess, startEnvoy } from '../../support/envoy.ts';
import { freePort } from '../../support/ports.ts';
import { bootstrapOf } from './bootstrap.ts';
import { connectCaller } from './caller.ts';
import { countersOf } from './counters.ts';
import { Marks } from './marks.ts';
import { callsText } from './outcome.ts';
import type { Outcome, Row } from './types.ts';
import { answer, type Upstream, UpstreamPort, whole } from './upstream.ts';

export type ProxyKind = 'envoy' | 'ringway';

export const MAIN: string = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'main.ts');
/** Situations played at once: enough that those that wait for a time cost none, few enough that times are kept. */
const AT_ONCE = 8;
/** How long a situation may take: all of them together a few seconds. */
const LIMIT_MS = 10_000;

/** The upstreams' ports, the same for every proxy that plays these situations. */
export class Stage {
  readonly rows: readonly Row[];
  readonly #upstreams: ReadonlyMap<string, UpstreamPort>;
  readonly #ports: ReadonlyMap<string, number>;
  readonly #runtime: string | undefined;

  private constructor(
    rows: readonly Row[],
    places: { readonly upstreams: ReadonlyMap<string, UpstreamPort>; readonly ports: ReadonlyMap<string, number> },
    runtime: string | undefined,
  ) {
    this.rows = rows;
    this.#upstreams = places.upstreams;
    this.#ports = places.ports;
    this.#runtime = runtime;
  }

  static async open(rows: readonly Row[], runtime?: string): Promise<Stage> {
    const upstreams = new Map<string, UpstreamPort>();
    const ports = new Map<string, number>();
    for (const { name, upstream } of rows) {
      const port = upstream === null ? undefined : await UpstreamPort.listen();
      if (port) upstreams.set(name, port);
      ports.set(name, port?.port ?? (await freePort()));
    }
    return new Stage(rows, { upstreams, ports }, runtime);
  }

  /** Starts Envoy or our sidecar as a process with one bootstrap and plays every situation. Counters are waited for until they are as `expected`. */
  async play(kind: ProxyKind, expected: ReadonlyMap<string, Outcome>): Promise<Map<string, Outcome>> {
    const folder = await mkdtemp(join(tmpdir(), 'ringway-conformance-'));
    const log = join(folder, 'access.log');
    const proxy = await startEnvoy(bootstrapOf(this.rows, this.#ports, log, this.#runtime), {
      logLevel: 'error',
      ...(kind === 'ringway' ? { program: [process.execPath, MAIN, 'sidecar'] } : {}),
    });
    try {
      await proxy.waitReady();
      const played = await this.#playAll(proxy);
      const stats = await settledStats(proxy, expected);
      await proxy.stop();
      const lines = await readFile(log, 'utf8');
      return new Map(
        played.map(({ row, caller, upstream }) => [
          row.name,
          { caller, upstream, log: logOf(row, lines), counters: countersOf(row.name, stats) },
        ]),
      );
    } finally {
      await proxy.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#upstreams.values()].map((port) => port.close()));
  }

  async #playAll(proxy: EnvoyProcess): Promise<Played[]> {
    const listeners = await listenerPorts(proxy);
    const drain = async (): Promise<void> => void (await proxy.admin('/healthcheck/fail', 'POST'));
    const playOne = (row: Row): Promise<Played> => this.#playOne(row, listeners.get(row.name) ?? 0, drain);
    const left = this.rows.filter(({ isLast }) => !isLast);
    const played: Played[] = [];
    const work = async (): Promise<void> => {
      for (let row = left.shift(); row; row = left.shift()) played.push(await playOne(row));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    for (const row of this.rows) if (row.isLast) played.push(await playOne(row));
    return played;
  }

  async #playOne(row: Row, port: number, drain: () => Promise<void>): Promise<Played> {
    const notes: string[] = [];
    const marks = new Marks();
    const upstream = this.#upstreams.get(row.name)?.begin(notes, marks);
    const caller = await connectCaller(port, { path: `/${row.name}`, marks, drain });
    const both = Promise.all([
      row.caller ? row.caller(caller) : caller.call(),
      upstream && row.upstream !== null ? (row.upstream ?? answersOnce)(upstream) : undefined,
    ]);
    const problem = await within(both, LIMIT_MS);
    if (problem !== undefined) notes.push(`failed: ${problem}`);
    const texts = callsText(caller.calls, row.showsEveryField ?? false);
    caller.close();
    return { row, caller: [...texts, ...caller.wire.goAways], upstream: notes };
  }
}

interface Played {
  readonly row: Row;
  readonly caller: readonly string[];
  readonly upstream: readonly string[];
}

/** What is counted once nothing moves any more: what is expected, or what there is when that does not come. */
async function settledStats(proxy: EnvoyProcess, expected: ReadonlyMap<string, Outcome>): Promise<ReadonlyMap<string, number>> {
  let last: ReadonlyMap<string, number> = new Map();
  const isSettled = (stats: ReadonlyMap<string, number>): boolean => {
    last = stats;
    return [...expected].every(([name, { counters }]) => countersOf(name, stats) === counters);
  };
  await proxy.waitStats(isSettled, { filter: '^(http|cluster)\\.', timeoutMs: 2_000 }).catch(() => {});
  return last;
}

async function answersOnce(upstream: Upstream): Promise<void> {
  answer(await whole(upstream));
}

async function listenerPorts(proxy: EnvoyProcess): Promise<Map<string, number>> {
  const lines = (await proxy.admin('/listeners')).split('\n').filter((line) => line.includes('::'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf('::')), Number(line.slice(line.lastIndexOf(':') + 1))]));
}

/** Why it did not work out in time; undefined when it did. */
async function within(work: Promise<unknown>, ms: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`not over after ${ms} ms`), ms);
  });
  const done = work.then(
    () => undefined,
    (error: unknown) => String(error),
  );
  const problem = await Promise.race([done, late]);
  clearTimeout(timer);
  return problem;
}

/** The lines of a situation, the absent left out. */
function logOf({ name }: Row, text: string): string[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines
    .map((line) => JSON.parse(line) as Record<string, string | number | null>)
    .filter(({ row }) => row === name)
    .map(({ status, flags, details, grpc, failure, attempts, host, cluster, received, sent }) =>
      [
        `${status} ${flags ?? '-'} ${details ?? '-'} ${grpc ?? '-'}`,
        `attempts ${attempts}, ${host === null ? 'no host' : 'host'}, ${cluster === null ? 'no cluster' : 'cluster'}`,
        `${received} in, ${sent} out${failure === null ? '' : `, ${failure}`}`,
      ].join('; '),
    );
}
