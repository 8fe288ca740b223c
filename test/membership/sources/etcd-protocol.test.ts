// What a real etcd does rarely, or never: played by a scripted one.
import t, { type Test } from 'tap';
import { type Clock, systemClock } from '../../../src/core/index.ts';
import { RangeResponse } from '../../../src/gen/etcd/rpc.ts';
import type { MembersReport, SourceReport } from '../../../src/membership/types.ts';
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

async function script(t: Test, clock: Clock = systemClock, timeoutMs = 5000): Promise<Script> {
  const etcd = await startScriptedEtcd(t);
  etcd.values.set(KEYS.instances, instancesOf(MEMBERS)).set(KEYS.partitions, PARTITIONS);
  let next = Promise.withResolvers<ScriptedWatch>();
  etcd.onWatch = (watch) => next.resolve(watch);
  const watch = async (): Promise<ScriptedWatch> => {
    const begun = await next.promise;
    next = Promise.withResolvers();
    return begun;
  };
  return { etcd, watch, reports: reportsOf(t, { ...optionsFor(etcd.endpoint), timeoutMs }, clock) };
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

t.test('with many heartbeats the ring is read once a second, and watched again when there are few', async (t) => {
  const clock = new FakeClock();
  const { etcd, reports, watch } = await script(t, clock, 3_600_000); // while the fake clock runs ahead, etcd answers in real time
  /** Lets time go by until a heartbeat of then is reported. */
  const hears = async (heartbeatMs: number): Promise<void> => {
    for (;;) {
      let report: SourceReport | null = null;
      void reports.next().then((next) => {
        report = next;
      });
      while (report === null) await clock.advance(100);
      if ((report as MembersReport).members[0]?.heartbeatMs === heartbeatMs) return;
    }
  };
  const beat = (count: number): void => {
    etcd.revision += BigInt(count);
    etcd.values.set(KEYS.instances, instancesOf(MEMBERS, Number(etcd.revision) * 1000));
  };
  await hears(0);
  const first = await watch();
  for (let i = 0; i < 50; i += 1) {
    beat(1);
    first.sendValue(KEYS.instances);
  }
  await hears(57_000);
  t.strictSame(etcd.ranges.slice(2), [`${KEYS.instances}@0>28`, `${KEYS.partitions}@57>7`], 'only what has changed after the 21st');
  await clock.advance(1000);
  const second = await watch();
  t.equal(second.from.get(KEYS.instances), 58n, 'a second without any, and it is watched again');
  beat(1);
  second.sendValue(KEYS.instances);
  await hears(58_000);
  t.equal(etcd.ranges.length, 6);
});
