// Every attack on one connection, against our sidecar and, where it is there, against Envoy with the same bootstrap: both are processes.
import t, { type Test } from 'tap';
import { envoySkip } from '../support/envoy.ts';
import { attack } from './attacker.ts';
import { type AbuseCase, describe, isAsStrict } from './cases/abuse-case.ts';
import { CASES } from './cases/index.ts';
import { bootstrapTo, startTarget, startUpstream, type Target } from './target.ts';

t.setTimeout(60_000);
const upstream = await startUpstream();
const bootstrap = bootstrapTo(upstream.address);
const ringway = await startTarget('ringway', bootstrap);
const envoy = envoySkip === false ? await startTarget('envoy', bootstrap) : undefined;
t.teardown(async () => {
  await Promise.all([ringway.process.stop(), envoy?.process.stop()]);
  await upstream.kill();
});

/** The attack itself, and whether it was counted. */
async function attackOn(t: Test, target: Target, one: AbuseCase, kind: 'ringway' | 'envoy'): Promise<void> {
  await target.settle();
  const noticed = (): Promise<void> => target.counted('http.abuse.downstream_cx_destroy');
  const outcome = await attack(target.port, one, { expected: one[kind], noticed });
  t.equal(describe(outcome), describe(one[kind]), kind);
  const isCounted = kind === 'ringway' || (one.isCountedByEnvoy ?? true);
  if (one.counter !== null && isCounted) await t.resolves(target.counted(one.counter), `${kind} counts ${one.counter}`);
}

for (const one of CASES) {
  t.test(`${one.number}. ${one.name}`, async (t) => {
    t.ok(isAsStrict(one.ringway, one.envoy), 'no laxer than Envoy');
    await Promise.all([attackOn(t, ringway, one, 'ringway'), envoy ? attackOn(t, envoy, one, 'envoy') : undefined]);
    t.equal(await ringway.serves(), true, 'it serves on');
  });
}

t.test('nothing is left of all that', async (t) => {
  await t.resolves(
    ringway.until((stats) => (stats.get('http.abuse.downstream_cx_active') ?? 0) === 0),
    'no connection',
  );
  await t.resolves(
    ringway.until((stats) => (stats.get('http.abuse.downstream_rq_active') ?? 0) === 0),
    'no request',
  );
  await t.resolves(
    ringway.until((stats) => (stats.get('cluster.up.upstream_rq_active') ?? 0) === 0),
    'no request upstream',
  );
});

t.test('after each flood memory comes back to what it was', async (t) => {
  // the second time everything is there that is made at the first
  for (const one of CASES) if (one.isFlood) await attackOn(t, ringway, one, 'ringway');
  await ringway.serves();
  const before = ringway.rss();
  for (const one of CASES.filter(({ isFlood }) => isFlood)) {
    for (let round = 0; round < 3; round += 1) await attackOn(t, ringway, one, 'ringway');
    const isBack = await ringway.rssBelow(before * 1.2);
    t.ok(isBack, `${one.number}: ${mebibytes(ringway.rss())} after ${mebibytes(before)}`);
  }
});

function mebibytes(octets: number): string {
  return `${(octets / 2 ** 20).toFixed(0)} MiB`;
}
