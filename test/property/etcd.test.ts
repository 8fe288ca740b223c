// Whatever stands under the keys and whatever the server sends: a report, never a crash, and the ring again afterwards.
import fc from 'fast-check';
import t from 'tap';
import { systemClock } from '../../src/core/index.ts';
import type { SourceReport } from '../../src/membership/types.ts';
import { type ScriptedWatch, startScriptedEtcd } from '../support/etcd-script.ts';
import { ALL, instancesOf, KEYS, MEMBERS, optionsFor, PARTITIONS, reportsOf, until } from '../support/etcd-source.ts';

const { RINGWAY_SEED } = process.env;
const seed = Number(RINGWAY_SEED ?? Math.floor(Math.random() * 2 ** 31));
t.comment(`seed ${seed} (RINGWAY_SEED)`);

const GOOD = [instancesOf(MEMBERS), PARTITIONS] as const;

/** Nothing like it, cut off, with a byte changed, the other ring's, or good. */
const values: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .tuple(fc.constantFrom(...GOOD), fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([good, part]) => good.subarray(0, part * good.length)),
  fc.tuple(fc.constantFrom(...GOOD), fc.nat(), fc.integer({ min: 1, max: 255 })).map(([good, at, mask]) => {
    const changed = Uint8Array.from(good);
    changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ mask;
    return changed;
  }),
  fc.constantFrom(...GOOD),
);

/** What it says is in one line and names the server, or is of a ring. */
function isReport(report: SourceReport, endpoint: string): boolean {
  if (report.kind === 'members') return report.ring === 'live-store';
  return report.error.name === 'RingwayError' && report.error.message.startsWith(`${endpoint}: `) && !report.error.message.includes('\n');
}

t.test('any bytes under the keys', async (t) => {
  const etcd = await startScriptedEtcd(t);
  const property = fc.asyncProperty(fc.option(values), fc.option(values), async (instances, partitions) => {
    etcd.values.clear();
    if (instances !== null) etcd.values.set(KEYS.instances, instances);
    if (partitions !== null) etcd.values.set(KEYS.partitions, partitions);
    const { next, stop } = reportsOf(t, optionsFor(etcd.endpoint), systemClock);
    const report = await next();
    await stop();
    return isReport(report, etcd.endpoint);
  });
  await fc.assert(property, { seed, numRuns: 200 });
});

type Move = (watch: ScriptedWatch) => void;
const end: Move = (watch) => watch.end();

const moves: fc.Arbitrary<Move> = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map(
    (bytes): Move =>
      (watch) =>
        watch.sendRaw(Buffer.from(bytes)),
  ),
  fc
    .record({
      watchId: fc.bigInt({ min: -2n, max: 3n }),
      created: fc.boolean(),
      canceled: fc.boolean(),
      compactRevision: fc.bigInt({ min: -1n, max: 9n }),
      cancelReason: fc.string(),
      fragment: fc.boolean(),
    })
    .map(
      (fields): Move =>
        (watch) =>
          watch.send(fields),
    ),
  fc.tuple(fc.constantFrom(KEYS.instances, KEYS.partitions, 'other'), values, fc.constantFrom(0, 1)).map(
    ([key, value, type]): Move =>
      (watch) =>
        watch.send({ events: [{ type: type as 0 | 1, kv: kvWith(key, value), prevKv: undefined }] }),
  ),
  fc.constant(end),
);

function kvWith(key: string, value: Uint8Array): NonNullable<NonNullable<Parameters<ScriptedWatch['send']>[0]['events']>[number]['kv']> {
  return { key: Buffer.from(key), value, createRevision: 1n, modRevision: 1n, version: 1n, lease: 0n };
}

t.test('any answers to a watch', async (t) => {
  const etcd = await startScriptedEtcd(t);
  const property = fc.asyncProperty(fc.array(moves, { minLength: 1, maxLength: 6 }), async (script) => {
    etcd.values.set(KEYS.instances, GOOD[0]).set(KEYS.partitions, GOOD[1]);
    etcd.ranges.length = 0;
    let isFirst = true;
    etcd.onWatch = (watch) => {
      if (isFirst) for (const move of [...script, end]) move(watch);
      isFirst = false;
    };
    const { next, stop } = reportsOf(t, optionsFor(etcd.endpoint), systemClock);
    const bad: SourceReport[] = [];
    const checked = {
      next: async () => {
        const report = await next();
        if (!isReport(report, etcd.endpoint)) bad.push(report);
        return report;
      },
    };
    let text = await until(checked, 'members');
    while (isFirst || etcd.ranges.length <= 2 || text !== ALL) text = await until(checked, 'members');
    await stop();
    return bad.length === 0;
  });
  await fc.assert(property, { seed, numRuns: 40 });
});
