// `ringway ring diff`: one ring as two sources have it.
import type { RingwayConfig } from '../config/index.ts';
import { compareSources, comparisonText, type RingComparison, type Side } from '../control/index.ts';
import { type Clock, RingwayError } from '../core/index.ts';
import { createAddressJudge, mergeRing, type RingInput } from '../membership/index.ts';
import type { MembershipSource, MembersReport, RingName } from '../membership/types.ts';
import { RingInputs } from './ring-inputs.ts';
import { type RingReadDeps, selectRings } from './ring-read.ts';

/** How long a source may take to say something. */
const READ_MS = 5_000;

/** One side: a source of a configured ring, and how the user calls it. */
export interface SourceChoice {
  readonly label: string;
  readonly config: RingwayConfig;
  readonly ring: RingName;
  /** Its name within the ring; null: the only one. */
  readonly source: string | null;
}

/** What was seen. */
export interface ComparedSources {
  readonly comparison: RingComparison;
  /** For people. */
  readonly text: string;
}

/**
 * Reads both sources and compares them. Throws RingwayError `USAGE_RING`, `USAGE_SOURCE` for what is not configured, and
 * `SOURCE_UNREADABLE` when one of them says nothing in time or fails.
 */
export async function diffSources(left: SourceChoice, right: SourceChoice, deps: RingReadDeps): Promise<ComparedSources> {
  const [ours, theirs] = await Promise.all([readSide(left, deps), readSide(right, deps)]);
  const comparison = compareSources(ours, theirs);
  return { comparison, text: comparisonText(comparison) };
}

async function readSide(choice: SourceChoice, deps: RingReadDeps): Promise<Side> {
  const { label } = choice;
  const { input, source } = find(choice, deps);
  const report = await firstReport(label, source, deps.clock);
  const policy = { ...input.config, judge: createAddressJudge(input.config.allowedAddresses, { machine: [], listeners: [] }) };
  const sources = [{ name: source.name, report, failure: null }];
  const ring = mergeRing({ name: input.name, sources, policy, nowMs: deps.clock.nowMs(), previous: null });
  return { source: label, ring, listsPartitions: report.partitions.length > 0 };
}

function find(
  { config, ring, source: name }: SourceChoice,
  deps: RingReadDeps,
): { readonly input: RingInput; readonly source: MembershipSource } {
  const [input] = new RingInputs({ ...deps, mayWrite: false }).of(selectRings(config, ring, READ_MS));
  const source = input?.sources.find((one) => name === null || one.name === name);
  if (input && source) return { input, source };
  const names = input?.sources.map((one) => one.name).join(', ');
  throw new RingwayError(`no source "${name}" in ring ${ring}; there is: ${names}`, { code: 'USAGE_SOURCE' });
}

/** The first thing that the source says. */
async function firstReport(label: string, source: MembershipSource, clock: Clock): Promise<MembersReport> {
  const stop = new AbortController();
  const timer = clock.after(READ_MS, () => stop.abort(), { keepAlive: true });
  try {
    for await (const report of source.watch(stop.signal)) {
      if (report.kind === 'members') return report;
      const { message } = report.error;
      throw new RingwayError(message.startsWith(label) ? message : `${label}: ${message}`, {
        code: 'SOURCE_UNREADABLE',
        cause: report.error,
      });
    }
  } finally {
    timer.cancel();
    stop.abort();
  }
  throw new RingwayError(`${label}: no answer within ${READ_MS} ms`, { code: 'SOURCE_UNREADABLE' });
}
