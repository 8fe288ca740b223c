// What first process and workers say to each other, and that nothing else is taken for it.
import { deserialize, serialize } from 'node:v8';
import t from 'tap';
import type { FromWorker, ToWorker, WorkerReport } from '../../../src/proxy/worker/messages.ts';
import { readFromWorker, readToWorker } from '../../../src/proxy/worker/read-message.ts';

const resource = { name: 'a', version: '1', typeUrl: 't', value: new Uint8Array([1, 2]) };
const update = { typeUrl: 't', version: '1', upserts: [resource], removed: ['b'] };
const report: WorkerReport = {
  defined: [{ index: 0, kind: 'counter', id: { name: 'n', stat: 's', labels: { a: 'b' } } }],
  removed: [3],
  counters: Float64Array.of(0, 5),
  gauges: Float64Array.of(1, 7),
  histograms: [{ index: 2, sum: 1.5, counts: [1, 0] }],
  hosts: [
    {
      cluster: 'a',
      address: '127.0.0.1:1',
      counters: [1, 0, 0, 0, 0, 0],
      gauges: { cxActive: 1, rqActive: 0, rqPendingActive: 0, isEjected: false },
    },
  ],
  connections: 1,
  memory: { rss: 1, heapTotal: 1, heapUsed: 1, external: 1 },
};

const TO_WORKER: readonly ToWorker[] = [
  {
    kind: 'init',
    worker: 1,
    drainTimeMs: 0,
    logLevel: 'info',
    plan: {
      clusters: [resource],
      listeners: [],
      limits: {
        maxConnections: null,
        maxBuffered: 5,
        maxPrematureResets: null,
        timeoutIsDeadlineExceeded: false,
        listenerConnections: { in: 3 },
      },
      cds: { initialFetchTimeoutMs: 0 },
      lds: null,
    },
  },
  { kind: 'start', logLevel: 'info', openPorts: new Map([['in', { host: '::', port: 1 }]]), updates: [update] },
  { kind: 'update', seq: 0, openPorts: new Map(), update },
  { kind: 'report', seq: 4 },
  { kind: 'drain-connections' },
  { kind: 'drain-listeners', isGraceful: true, isInboundOnly: false },
  { kind: 'log-level', level: 'off' },
  { kind: 'reopen-logs' },
  { kind: 'stop' },
];
const FROM_WORKER: readonly FromWorker[] = [
  { kind: 'ready' },
  { kind: 'refused', failures: [{ name: 'a', message: 'a: no' }] },
  { kind: 'applied', seq: 1, failures: [{ name: 'a', message: 'a: no' }] },
  { kind: 'report', seq: null, report },
  { kind: 'report', seq: 2, report },
];

t.test('every message is itself on the other side of a channel', async (t) => {
  for (const message of TO_WORKER) t.strictSame(readToWorker(deserialize(serialize(message))), message, message.kind);
  for (const message of FROM_WORKER) t.strictSame(readFromWorker(deserialize(serialize(message))), message, message.kind);
});

t.test('anything else is nothing', async (t) => {
  for (const garbage of [null, undefined, 0, 'stop', [], {}, { kind: 1 }, { kind: 'toString' }, { kind: '__proto__' }, { cmd: 'NODE_x' }]) {
    t.equal(readToWorker(garbage), null, JSON.stringify(garbage));
    t.equal(readFromWorker(garbage), null, JSON.stringify(garbage));
  }
  for (const message of TO_WORKER) t.equal(readFromWorker({ ...message, kind: `${message.kind}-` }), null);
});

t.test('a message in which any one part is missing or of another kind is nothing', async (t) => {
  const damaged = (message: object): unknown[] =>
    Object.keys(message)
      .filter((key) => key !== 'kind')
      .flatMap((key) => [undefined, Symbol.iterator, { strange: true }].map((value) => ({ ...message, [key]: value })));
  for (const message of TO_WORKER) for (const bad of damaged(message)) t.equal(readToWorker(bad), null, message.kind);
  for (const message of FROM_WORKER) for (const bad of damaged(message)) t.equal(readFromWorker(bad), null, message.kind);
  for (const bad of damaged(report)) t.equal(readFromWorker({ kind: 'report', seq: 1, report: bad }), null, 'inside of a report');
  for (const bad of damaged(update)) t.equal(readToWorker({ kind: 'update', seq: 1, openPorts: new Map(), update: bad }), null);
});
