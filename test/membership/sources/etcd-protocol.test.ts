// What a real etcd does rarely, or never: played by a scripted one.
import t, { type Test } from 'tap';
import { systemClock } from '../../../src/core/index.ts';
import { RangeResponse } from '../../../src/gen/etcd/rpc.ts';
import { type ScriptedEtcd, type ScriptedWatch, startScriptedEtcd } from '../../support/etcd-script.ts';
import {
  ALL,
  FEWER,
  instancesOf,
  KEYS,
  MEMBERS,
  optionsFor,
  PARTITIONS,
  type Reports,
  reportsOf,
  textOf,
  until,
} from '../../support/etcd-source.ts';
import { FakeClock } from '../../support/fake-clock.ts';

interface Script {
  readonly etcd: ScriptedEtcd;
  readonly reports: Reports;
  /** The next watch that the source begins. */
  watch(): Promise<ScriptedWatch>;
}

async function script(t: Test, clock = systemClock): Promise<Script> {
  const etcd = await startScriptedEtcd(t);
  etcd.values.set(KEYS.instances, instancesOf(MEMBERS)).set(KEYS.partitions, PARTITIONS);
  let next = Promise.withResolvers<ScriptedWatch>();
  etcd.onWatch = (watch) => next.resolve(watch);
  const watch = async (): Promise<ScriptedWatch> => {
    const begun = await next.promise;
    next = Promise.withResolvers();
    return begun;
  };
  return { etcd, watch, reports: reportsOf(t, optionsFor(etcd.endpoint), clock) };
}

const BOTH = [`${KEYS.instances}@0`, `${KEYS.partitions}@7`];

t.test('both keys are read at one revision and watched from the next', async (t) => {
  const { etcd, reports, watch } = await script(t);
  t.equal(textOf(await reports.next()), ALL);
  const { from } = await watch();
  t.strictSame(etcd.ranges, BOTH);
  t.strictSame(
    [...from],
    [
      [KEYS.instances, 8n],
      [KEYS.partitions, 8n],
    ],
  );
});

t.test('what was compacted away, and a store that went back, are read again without a failure', async (t) => {
  const { etcd, reports, watch } = await script(t);
  t.equal(textOf(await reports.next()), ALL);
  etcd.values.set(KEYS.instances, instancesOf(MEMBERS.slice(1)));
  (await watch()).send({ canceled: true, compactRevision: 9n });
  t.equal(textOf(await reports.next()), FEWER);
  t.strictSame(etcd.ranges, [...BOTH, ...BOTH]);
  etcd.values.set(KEYS.instances, instancesOf(MEMBERS));
  const second = await watch();
  etcd.revision = 3n;
  second.send({});
  t.equal(textOf(await reports.next()), ALL, 'a restored backup');
  t.strictSame(etcd.ranges.slice(4), [`${KEYS.instances}@0`, `${KEYS.partitions}@3`]);
});

t.test('a watch that ends is a failure in one line, and tried again', async (t) => {
  const { etcd, reports, watch } = await script(t);
  const cases: readonly (readonly [(watch: ScriptedWatch) => void, string])[] = [
    [(one) => one.send({ canceled: true, cancelReason: 'etcdserver:\n no leader' }), 'canceled the watch: etcdserver: no leader'],
    [(one) => one.send({ canceled: true }), 'canceled the watch: it does not say why'],
    [(one) => one.end(), 'ended the watch'],
    [(one) => one.sendRaw(Buffer.from('<html>')), 'answered without a header'],
    [(one) => one.sendRaw(Buffer.alloc(9, 0xff)), 'INTERNAL: Response message parsing error: '],
  ];
  for (const [act, message] of cases) {
    t.equal(await until(reports, 'members'), ALL);
    act(await watch());
    const failed = await until(reports, 'failed');
    t.equal(failed.slice(0, etcd.endpoint.length + 2 + message.length), `${etcd.endpoint}: ${message}`);
    t.notMatch(failed, '\n');
  }
  t.equal(await until(reports, 'members'), ALL);
});

t.test('a key that goes is a failure, not an empty ring', async (t) => {
  const { etcd, reports, watch } = await script(t);
  t.equal(textOf(await reports.next()), ALL);
  const kv = { key: Buffer.from(KEYS.partitions), value: new Uint8Array(), createRevision: 0n, modRevision: 8n, version: 0n, lease: 0n };
  (await watch()).send({ events: [{ type: 1, kv, prevKv: undefined }] });
  t.equal(await until(reports, 'failed'), `${etcd.endpoint}: key "collectors/livestore-partitions": there is nothing under it`);
});

t.test('answers that are none', async (t) => {
  const { etcd, reports } = await script(t);
  etcd.rawRange = Buffer.alloc(9, 0xff);
  t.match(await until(reports, 'failed'), /^http:\S+: INTERNAL: Response message parsing error: /);
  etcd.rawRange = Buffer.from(RangeResponse.encode({ header: undefined, kvs: [], more: false, count: 0n }).finish());
  t.equal(await until(reports, 'failed'), `${etcd.endpoint}: answered without a header`);
  etcd.rawRange = Buffer.alloc(22 * 1024 * 1024);
  t.match(await until(reports, 'failed'), /^http:\S+: RESOURCE_EXHAUSTED: Received message larger than max \(23068672 vs 22085632\)$/);
  etcd.rawRange = null;
  t.equal(await until(reports, 'members'), ALL);
});

t.test('a watch that does not begin, and one that stays silent when it is asked', async (t) => {
  const clock = new FakeClock();
  const { etcd, reports, watch } = await script(t, clock);
  t.equal(textOf(await reports.next()), ALL);
  const first = await watch();
  first.sendValue(KEYS.instances); // begun for sure when this has come
  await clock.advance(200);
  t.equal(textOf(await reports.next()), ALL);
  etcd.answersProgress = false;
  etcd.values.set(KEYS.instances, instancesOf(MEMBERS.slice(1)));
  await clock.advance(10_000 + 5000 + 200);
  t.equal(textOf(await reports.next()), FEWER, 'it is read again: etcd before 3.4 does not answer');
});

t.test('a hundred heartbeats are few reports', async (t) => {
  const clock = new FakeClock();
  const { etcd, reports, watch } = await script(t, clock);
  t.equal(textOf(await reports.next()), ALL);
  const one = await watch();
  for (let beat = 1; beat <= 100; beat += 1) {
    etcd.revision += 1n;
    etcd.values.set(KEYS.instances, instancesOf(MEMBERS, beat * 1000));
    one.sendValue(KEYS.instances);
  }
  let heard: number | null = 0;
  let count = 0;
  while (heard !== 100_000) {
    const report = reports.next();
    await clock.advance(200);
    const { kind, members } = (await report) as { kind: 'members'; members: readonly { readonly heartbeatMs: number }[] };
    t.equal(kind, 'members');
    heard = members[0]?.heartbeatMs ?? null;
    count += 1;
  }
  t.ok(count <= 4, `${count} reports`);
});
