import type { MemberReport } from '../querier/member-stats.ts';
import type { QuerierReport } from '../querier/querier.ts';
import type { ChildStatus } from '../supervisor/supervisor.ts';

/** One member as the control server reports it (`/api/rings/{ring}`), as far as the display shows it. */
export interface RingMember {
  readonly id: string;
  readonly address: string;
  readonly zone: string;
  readonly partition: number | null;
  readonly state: string;
  readonly eds: string;
  readonly reason: string | null;
}

/** Everything the display shows, as of now. */
export interface Picture {
  readonly children: readonly ChildStatus[];
  /** null while control has not answered. */
  readonly ring: readonly RingMember[] | null;
  /** null without a sample querier, or before its first report. */
  readonly querier: QuerierReport | null;
  readonly isReady: boolean;
  /** Why it is not ready yet, in a few words; '' when it is. */
  readonly waitsFor: string;
}

/** What died, in words; '' when everything runs. */
export function troubles(children: readonly ChildStatus[]): string {
  return children
    .flatMap(({ name, state }) => (state.kind === 'restarting' ? [`${name} died (${state.reason}), starting again`] : []))
    .join('; ');
}

/** Requests, errors and the worst p99 of all members together. */
export function totals(members: Readonly<Record<string, MemberReport>>): MemberReport {
  const all = Object.values(members);
  return {
    requests: all.reduce((sum, member) => sum + member.requests, 0),
    errors: all.reduce((sum, member) => sum + member.errors, 0),
    p99Ms: Math.max(0, ...all.map((member) => member.p99Ms)),
  };
}
