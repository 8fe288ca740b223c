import { setTimeout as pause } from 'node:timers/promises';
import {
  call,
  clientOf,
  type Egress,
  type Member,
  type ProxyKind,
  startEgress,
  startMember,
  underLoad,
} from '../../test/support/egress-recipe.ts';
import { buildGoProgram } from '../../test/support/go.ts';
import { describeReport } from '../../test/support/load.ts';

/** What one proxy did in one round; times in ms, of the calls as the caller saw them. */
export interface Measured {
  readonly sent: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Tries that reached a live-store, or its socket, for each call. */
  readonly triesPerCall: number;
  /** Members thrown out by outlier detection. */
  readonly ejections: number;
}

export interface Sample extends Measured {
  readonly scenario: ScenarioName;
  readonly kind: ProxyKind;
}

export type ScenarioName = 'killed' | 'hung' | 'lagging' | 'slow' | 'alone';

interface Site {
  readonly egress: Egress;
  readonly first: Member;
}

export interface Scenario {
  readonly name: ScenarioName;
  /** For people: what happens. */
  readonly what: string;
  run(kind: ProxyKind, ratePerSecond: number): Promise<Measured>;
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'killed',
    what: 'SIGKILL of the member, load for 1 s before and 5 s after',
    run: (kind, rate) =>
      disturbed(kind, rate, async ({ first }) => {
        await pause(1000);
        first.signal('SIGKILL');
        await pause(5000);
      }),
  },
  {
    name: 'hung',
    what: 'SIGSTOP of the member for 2 s, load for 1 s before and 3 s after',
    run: (kind, rate) =>
      disturbed(kind, rate, async ({ first }) => {
        await pause(1000);
        first.signal('SIGSTOP');
        await pause(2000);
        first.signal('SIGCONT');
        await pause(3000);
      }),
  },
  {
    name: 'lagging',
    what: '6 answers Unknown, trailers only, then 6 good calls',
    run: (kind) =>
      calls(
        kind,
        'member',
        [...Array.from({ length: 6 }, () => ({ Code: 2, Message: 'lag' })), ...Array.from({ length: 6 }, () => ({}))],
        2,
      ),
  },
  {
    name: 'slow',
    what: '6 calls of 400 ms at once',
    run: (kind) =>
      calls(
        kind,
        'member',
        Array.from({ length: 6 }, () => ({ DelayMs: 400 })),
        0,
      ),
  },
  {
    name: 'alone',
    what: "6 calls of 400 ms at once to a partition's only owner",
    run: (kind) =>
      calls(
        kind,
        'alone',
        Array.from({ length: 6 }, () => ({ DelayMs: 400 })),
        0,
      ),
  },
];

/** A steady load, disturbed on the way. */
function disturbed(kind: ProxyKind, ratePerSecond: number, disturb: (site: Site) => Promise<void>): Promise<Measured> {
  return withSite(kind, async (site) => {
    const report = await underLoad(site.egress, ratePerSecond, () => disturb(site));
    const { sent, failed, p50Ms, p99Ms, maxMs } = report;
    if (failed > 0) console.log(describeReport(report));
    return { sent, failed, p50Ms, p99Ms, maxMs, ...(await counted(site.egress, 'member', sent)) };
  });
}

/** Single calls, all at once; those that end with `expected` or 0 have not failed. */
function calls(kind: ProxyKind, cluster: 'member' | 'alone', asks: readonly object[], expected: number): Promise<Measured> {
  return withSite(kind, async ({ egress }) => {
    const client = clientOf(egress);
    const replies = await Promise.all(asks.map((ask) => call(client, cluster, ask)));
    client.close();
    const times = replies.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
    const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] as number;
    const failed = replies.filter(({ status }) => status !== 0 && status !== expected).length;
    const sent = replies.length;
    return { sent, failed, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), ...(await counted(egress, cluster, sent)) };
  });
}

async function counted(egress: Egress, cluster: 'member' | 'alone', sent: number): Promise<Pick<Measured, 'triesPerCall' | 'ejections'>> {
  const tries = await egress.stat(cluster, 'upstream_rq_total');
  return { triesPerCall: tries / sent, ejections: await egress.stat(cluster, 'outlier_detection.ejections_enforced_total') };
}

async function withSite(kind: ProxyKind, run: (site: Site) => Promise<Measured>): Promise<Measured> {
  const program = await buildGoProgram('interop');
  const [first, second, alone] = await Promise.all([startMember(program), startMember(program), startMember(program)]);
  const egress = await startEgress(kind, [first.address, second.address], alone.address);
  try {
    return await run({ egress, first });
  } finally {
    await Promise.all([egress, first, second, alone].map((part) => part.stop()));
  }
}
