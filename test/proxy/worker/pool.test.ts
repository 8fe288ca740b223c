// Workers as processes: started, told, restarted, ended.
import t, { type Test } from 'tap';
import type { ToWorker, WorkerReport } from '../../../src/proxy/worker/messages.ts';
import { WorkerPool } from '../../../src/proxy/worker/pool.ts';
import { sharedSink } from '../../../src/proxy/worker/shared-sink.ts';
import type { WorkerProcess } from '../../../src/proxy/worker/worker-slot.ts';
import { MetricRegistry } from '../../../src/telemetry/index.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { fakeUpdate } from '../../support/fake-data-plane.ts';
import { LogRecorder } from '../../support/recording-logger.ts';

/** A process that does nothing by itself. */
class FakeProcess implements WorkerProcess {
  readonly pid = 4711;
  readonly heard: ToWorker[] = [];
  isKilled = false;
  says: (message: unknown) => void = () => {};
  end: (how: string) => void = () => {};

  send(message: ToWorker): void {
    this.heard.push(message);
  }

  onMessage(listener: (message: unknown) => void): void {
    this.says = listener;
  }

  onEnd(listener: (how: string) => void): void {
    this.end = listener;
  }

  kill(): void {
    this.isKilled = true;
    this.end('SIGKILL');
  }

  /** Kinds of what it heard since the last time. */
  take(): string[] {
    return this.heard.splice(0).map(({ kind }) => kind);
  }

  /** `seq` of the last message that has one. */
  get seq(): number {
    const last = this.heard.findLast((message) => 'seq' in message);
    return last && 'seq' in last ? last.seq : -1;
  }
}

function start(size: number) {
  const clock = new FakeClock();
  const log = new LogRecorder();
  const registry = new MetricRegistry();
  const forked: FakeProcess[] = [];
  const pool = new WorkerPool({
    size,
    fork: () => {
      const process = new FakeProcess();
      forked.push(process);
      return process;
    },
    init: (worker) => ({
      kind: 'init',
      worker,
      drainTimeMs: 1000,
      logLevel: 'info',
      plan: {
        clusters: [],
        listeners: [],
        limits: {
          maxConnections: null,
          maxBuffered: null,
          maxPrematureResets: null,
          timeoutIsDeadlineExceeded: false,
          listenerConnections: {},
        },
        cds: null,
        lds: null,
      },
    }),
    begin: () => ({ kind: 'start', logLevel: 'info', openPorts: new Map(), updates: [] }),
    openPorts: () => new Map(),
    clusters: () => new Map(),
    drainTimeMs: 1000,
    clock,
    random: () => 1,
    log: log.logger,
    registry,
  });
  const stat = (name: string): number => {
    const metric = registry.find({ name: `ringway_workers_${name}` });
    return metric && 'value' in metric ? metric.value : -1;
  };
  return { clock, log, pool, forked: forked as [FakeProcess, FakeProcess, ...FakeProcess[]], stat };
}

/** All of them, serving. */
async function startServing(t: Test, size: number) {
  const started = start(size);
  const ready = started.pool.start();
  for (const process of started.forked) process.says({ kind: 'ready' });
  await ready;
  started.pool.open();
  for (const process of started.forked) t.strictSame(process.take(), ['init', 'start']);
  return started;
}

const EMPTY: WorkerReport = {
  defined: [],
  removed: [],
  counters: new Float64Array(),
  gauges: new Float64Array(),
  histograms: [],
  hosts: [],
  connections: 0,
  memory: { rss: 0, heapTotal: 0, heapUsed: 0, external: 0 },
};

t.test('a start waits until each is ready, or for ten seconds; nothing is told before the ports are open', async (t) => {
  const { pool, forked, clock, stat } = start(2);
  let isStarted = false;
  const started = pool.start().then(() => {
    isStarted = true;
  });
  forked[0].says({ kind: 'ready' });
  forked[1].says('garbage');
  forked[1].says({ kind: 'report', seq: 1 });
  await settle();
  t.notOk(isStarted);
  await clock.advance(10_000);
  await started;
  t.strictSame(forked[0].take(), ['init']);
  pool.open();
  t.strictSame(forked[0].take(), ['start']);
  t.equal(stat('serving'), 1);
  forked[1].says({ kind: 'ready' });
  t.strictSame(forked[1].take(), ['init', 'start'], 'one that is late begins when it can');
  t.equal(stat('serving'), 2);
});

t.test('an update is answered for when every worker has it', async (t) => {
  const { pool, forked, log, stat, clock } = await startServing(t, 2);
  const sink = sharedSink({ apply: () => Promise.resolve([{ name: 'bad', message: 'bad: no' }]) }, pool);
  const update = fakeUpdate('cluster', [{ name: 'a' }, { name: 'bad' }], ['c']);
  const applied = sink.apply(update);
  await settle();
  t.match(forked[0].heard, [{ kind: 'update', update: { upserts: [{ name: 'a' }], removed: ['c'] } }]);
  t.equal((forked[0].heard[0] as Extract<ToWorker, { kind: 'update' }>).update.upserts.length, 1, 'what is refused goes nowhere');
  forked[0].says({ kind: 'applied', seq: forked[0].seq, failures: [] });
  let isApplied = false;
  void applied.then(() => {
    isApplied = true;
  });
  await settle();
  t.notOk(isApplied);
  forked[1].says({ kind: 'applied', seq: forked[1].seq, failures: [{ name: 'a', message: 'a: not here' }] });
  t.strictSame(await applied, [{ name: 'bad', message: 'bad: no' }], 'the first process decides');
  t.equal(stat('refused'), 1);
  t.match(log.of('worker.refused'), [{ level: 'error', fields: { worker: 2, name: 'a' }, message: /a: not here$/ }]);

  forked[0].says({ kind: 'refused', failures: [{ name: 'b', message: 'b: not at the start' }] });
  t.equal(stat('refused'), 2);

  const late = pool.apply(update);
  await settle();
  forked[0].says({ kind: 'applied', seq: forked[0].seq, failures: [] });
  await clock.advance(10_000);
  await late;
  t.equal(stat('late'), 1);
  t.match(log.of('worker.late'), [{ fields: { worker: 2 } }]);
});

t.test('one that ends is started again, later each time, and told everything', async (t) => {
  const { pool, forked, clock, log, stat } = await startServing(t, 1);
  const asked = pool.apply(fakeUpdate('cluster', []));
  forked[0].end('exit 1');
  await asked;
  t.equal(stat('late'), 0, 'nobody waits for one that is gone');
  t.match(log.of('worker.ended'), [{ level: 'error', fields: { worker: 1, pid: 4711, how: 'exit 1', restartMs: 200 } }]);
  t.equal(stat('serving'), 0);
  pool.tell({ kind: 'drain-connections' });
  await clock.advance(199);
  t.equal(forked.length, 1);
  await clock.advance(1);
  t.equal(forked.length, 2);
  forked[1].says({ kind: 'ready' });
  t.strictSame(forked[1].take(), ['init', 'start']);
  forked[1].end('SIGSEGV');
  await clock.advance(399);
  t.equal(forked.length, 2);
  await clock.advance(1);
  t.equal(forked.length, 3);
  await clock.advance(10_000);
  forked[2]?.end('exit 1');
  await clock.advance(200);
  t.equal(forked.length, 4, 'after a quiet time the back-off begins anew');
  t.equal(stat('restarted'), 3);
});

t.test('pages ask, and wait for 250 ms', async (t) => {
  const { pool, forked, clock } = await startServing(t, 2);
  const refreshed = pool.refresh();
  await settle();
  for (const [i, process] of forked.entries())
    if (i === 0)
      process.says({ kind: 'report', seq: process.seq, report: { ...EMPTY, connections: 7, memory: { ...EMPTY.memory, rss: 5 } } });
  await clock.advance(249);
  forked[1].says({ kind: 'report', seq: null, report: { ...EMPTY, connections: 1 } });
  await clock.advance(1);
  await refreshed;
  t.equal(pool.connections, 8);
  t.equal(pool.memory({ rss: 1, heapTotal: 0, heapUsed: 0, external: 0 }).rss, 6);
  forked[0].end('exit 1');
  t.equal(pool.connections, 1);
});

t.test('the end: all are told, who does not end is killed, nobody is started again', async (t) => {
  const { pool, forked, clock } = await startServing(t, 2);
  const stopped = pool.stop();
  t.strictSame(forked[0].take(), ['stop']);
  forked[0].end('exit 0');
  await clock.advance(2_999);
  t.notOk(forked[1].isKilled);
  await clock.advance(1);
  t.ok(forked[1].isKilled, 'two seconds after its drain time');
  await stopped;
  await pool.stop();
  await clock.advance(60_000);
  t.equal(forked.length, 2);

  const waiting = await startServing(t, 1);
  waiting.forked[0].end('exit 1');
  await waiting.pool.stop();
  await waiting.clock.advance(60_000);
  t.equal(waiting.forked.length, 1);
});
