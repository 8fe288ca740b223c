// The egress shape as it must hold: a member that dies, hangs, lags or is slow costs no call, and nobody else is blamed for it.
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { call, clientOf, type Egress, type Member, type ProxyKind, startEgress, startMember, underLoad } from '../support/egress-recipe.ts';
import { envoySkip } from '../support/envoy.ts';
import { goProgram } from '../support/go.ts';
import { describeReport } from '../support/load.ts';

const RATE = 300;

t.setTimeout(120_000); // both proxies and a dozen live-stores are started

interface Site {
  readonly egress: Egress;
  readonly first: Member;
  readonly second: Member;
  readonly alone: Member;
}

async function startSite(t: Test, kind: ProxyKind): Promise<Site | undefined> {
  const program = await goProgram(t, 'interop');
  if (program === undefined) return undefined;
  const [first, second, alone] = await Promise.all([startMember(program), startMember(program), startMember(program)]);
  const egress = await startEgress(kind, [first.address, second.address], alone.address);
  t.teardown(() => Promise.all([egress, first, second, alone].map((part) => part.stop())));
  return { egress, first, second, alone };
}

const ejections = async ({ egress }: Site, cluster: 'member' | 'alone' = 'member'): Promise<number> =>
  egress.stat(cluster, 'outlier_detection.ejections_enforced_total');

for (const kind of ['ringway', 'envoy'] as const) {
  const skip = kind === 'envoy' ? envoySkip : false;

  t.test(`${kind}: a member that hangs, and one that dies`, { skip }, async (t) => {
    const site = await startSite(t, kind);
    if (!site) return;
    await t.test('hangs for two seconds: no call fails', async (t) => {
      const report = await underLoad(site.egress, RATE, async () => {
        await pause(500); // load before
        site.first.signal('SIGSTOP');
        await pause(2000);
        site.first.signal('SIGCONT');
        await pause(500); // and after
      });
      t.equal(report.failed, 0, describeReport(report));
      t.ok((await site.egress.stat('member', 'upstream_rq_retry')) > 0, 'calls were hedged');
      t.ok((await site.egress.stat('member', 'upstream_rq_tx_reset')) > 0, 'who lost was cancelled');
    });
    await t.test('is killed: no call fails', async (t) => {
      const report = await underLoad(site.egress, RATE, async () => {
        await pause(500);
        site.first.signal('SIGKILL');
        await pause(1500);
      });
      t.equal(report.failed, 0, describeReport(report));
      t.ok(report.sent > RATE, 'there was a load');
    });
  });

  t.test(`${kind}: members that lag, are slow or alone`, { skip }, async (t) => {
    const site = await startSite(t, kind);
    if (!site) return;
    const client = clientOf(site.egress);
    const sixAtOnce = async (cluster: 'member' | 'alone', ask: object): Promise<string[]> => {
      const replies = await Promise.all(Array.from({ length: 6 }, () => call(client, cluster, ask)));
      return [...new Set(replies.map(({ status, statusText }) => `${status} ${statusText}`))];
    };
    await t.test('six answers Unknown eject nobody', async (t) => {
      const answers = await sixAtOnce('member', { Code: 2, Message: 'cannot guarantee complete results' });
      t.strictSame(answers, ['2 cannot guarantee complete results']);
      t.strictSame(await sixAtOnce('member', {}), ['0 ']);
      t.equal(await ejections(site), 0);
      t.equal(await site.egress.stat('member', 'upstream_rq_retry'), 0);
      t.equal(await site.egress.stat('member', 'upstream_rq_total'), 12);
    });
    await t.test('six slow calls at once all succeed, at twice the load at most', async (t) => {
      t.strictSame(await sixAtOnce('member', { DelayMs: 400 }), ['0 ']);
      t.ok((await site.egress.stat('member', 'upstream_rq_total')) <= 12 + 12);
      t.ok((await ejections(site)) <= 1, 'max_ejection_percent: one of two stays');
    });
    await t.test("a partition's only owner is slow: it answers", async (t) => {
      t.strictSame(await sixAtOnce('alone', { DelayMs: 400 }), ['0 ']);
      t.equal(await ejections(site, 'alone'), 0);
      // Envoy asks the same host again
      if (kind === 'ringway') t.equal(await site.egress.stat('alone', 'upstream_rq_total'), 6, 'no hedge goes where nobody is left');
    });
    await t.test("a partition's only owner is dead: the error comes at once", async (t) => {
      await site.alone.stop();
      const answers = await sixAtOnce('alone', {});
      t.ok(
        answers.every((answer) => answer.startsWith('14 ')),
        `UNAVAILABLE, and not only after some deadline: ${answers}`,
      );
      t.equal(await ejections(site, 'alone'), 0, 'there is nobody to go to instead');
    });
    client.close();
  });
}
