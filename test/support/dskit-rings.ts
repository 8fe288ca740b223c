import { isDeepStrictEqual } from 'node:util';
import type { Test } from 'tap';
import { createConfig } from '../../src/config/index.ts';
import { type ReadonlyObservable, systemClock, systemRandom } from '../../src/core/index.ts';
import { MembershipHub } from '../../src/membership/index.ts';
import { createSources } from '../../src/membership/sources/index.ts';
import type { Catalog, RingName } from '../../src/membership/types.ts';
import { MetricRegistry, silentLogger } from '../../src/telemetry/index.ts';
import type { DskitChurn } from './dskit-churn.ts';
import type { Lag, RingLags } from './dskit-lag.ts';
import type { DskitProcess } from './dskit-process.ts';
import { type RingView, viewOfDskit, viewOfRing } from './dskit-view.ts';
import { sourceDeps } from './source-deps.ts';

/** dskit's short heartbeat timeout is that of test/interop/dskit/options.go. */
const POLICY = { heartbeatTimeout: '7s', allowEmpty: true };

/**
 * The catalog of rings with one source each, as ringway.yaml has it. What a ring shows is written down in its lags. Runs until the test ends.
 */
export async function watchRings(
  t: Test,
  sources: Readonly<Record<RingName, Readonly<Record<string, unknown>>>>,
  lags: Readonly<Record<RingName, RingLags>>,
): Promise<ReadonlyObservable<Catalog>> {
  const config = createConfig('test', {
    rings: Object.fromEntries(Object.entries(sources).map(([name, source]) => [name, { ...POLICY, sources: [source] }])),
  });
  const deps = { ...sourceDeps(systemClock), random: systemRandom };
  const rings = [...config.rings].map(([name, ring]) => ({ name, sources: createSources(name, ring.sources, deps), config: ring }));
  const hub = new MembershipHub(rings, { clock: systemClock, logger: silentLogger, metrics: new MetricRegistry() });
  hub.catalog.subscribe((catalog) => {
    for (const [name, ring] of catalog.rings) for (const book of Object.values(lags[name] ?? {})) book.show(ring, Date.now());
  });
  await hub.start();
  t.teardown(() => hub.stop());
  return hub.catalog;
}

/** Asserts that within 40 s (as long as a peer that is gone is believed, and some push/pulls of dskit's) each ring says what each of these processes says. Their own views differ before. */
export async function agree(t: Test, catalog: ReadonlyObservable<Catalog>, processes: readonly DskitProcess[]): Promise<void> {
  const deadline = Date.now() + 40_000;
  for (;;) {
    const theirs = (await Promise.all(processes.map((process) => process.state()))).map(viewOfDskit);
    const ours = Object.fromEntries([...catalog.value.rings].map(([name, ring]) => [name, viewOfRing(ring)]));
    const wanted = Object.fromEntries(Object.keys(ours).map((name) => [name, theirs[0]]));
    const isDone = theirs.every((view) => isDeepStrictEqual(view, theirs[0])) && isDeepStrictEqual(ours, wanted);
    if (isDone || Date.now() > deadline) {
      t.strictSame(theirs.slice(1), theirs.slice(1).fill(theirs[0] as RingView), 'dskit agrees with itself');
      t.strictSame(ours, wanted, 'and Ringway with dskit');
      return;
    }
    await new Promise((wait) => setTimeout(wait, 100)); // a heartbeat that grows too old tells nobody
  }
}

/** Asserts that the gossip has no other members than these, and the ring none that is not one of `churn`'s: we were not noticed. */
export async function checkUnnoticed(t: Test, churn: DskitChurn): Promise<void> {
  for (const reader of churn.readers) {
    const page = await fetch(`http://${reader.at.http}/memberlist`, { headers: { accept: 'application/json' } });
    const { SortedMembers: members } = (await page.json()) as { SortedMembers: readonly { readonly Port: number }[] };
    t.ok(members.length >= 2, `${members.length} members gossip`);
    t.strictSame(
      members.map(({ Port }) => Port).filter((port) => !churn.gossipPorts.includes(port)),
      [],
      'no others',
    );
    const { instances } = await reader.state();
    t.ok(
      instances.every(({ id }) => churn.ids.includes(id)),
      'and nobody else is in the ring',
    );
  }
}

/**
 * Asserts that what lasted was in the catalog within 2 s after the first peer of its source knew it, and says how late it was. What has
 * just happened gets that time first.
 */
export async function checkLags(t: Test, name: RingName, { peers, anyone }: RingLags): Promise<void> {
  const deadline = Date.now() + LATE_MS;
  while (peers.lags().some(({ ms }) => ms === Infinity) && Date.now() < deadline) await new Promise((wait) => setTimeout(wait, 50));
  const lags = peers.lags();
  t.comment(`${name}: after a peer of the source knew it, ${figures(lags)}; after any process did, ${figures(anyone.lags())}`);
  t.strictSame(
    lags.filter(({ ms }) => ms > LATE_MS),
    [],
    `${name}: later than ${LATE_MS} ms`,
  );
}

const LATE_MS = 2000;

function figures(lags: readonly Lag[]): string {
  const sorted = lags.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  return `${sorted.length} changes took ${at(0.5)} ms (p50), ${at(0.95)} ms (p95), ${at(1)} ms (most)`;
}
