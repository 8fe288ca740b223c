import type { Timer } from '../../src/core/index.ts';
import { createKubernetesSource } from '../../src/membership/sources/kubernetes/index.ts';
import type { KubernetesSourceOptions } from '../../src/membership/sources/kubernetes/options.ts';
import type { MembershipSource, MembersReport, SourceReport } from '../../src/membership/types.ts';
import { FakeClock, settle } from './fake-clock.ts';
import type { KubernetesApi } from './kubernetes-api.ts';
import { sourceDeps } from './source-deps.ts';

/** A kubernetes source that is being read, and its time. */
export interface Following {
  readonly source: MembershipSource;
  readonly clock: FakeClock;
  /** The next report; time passes until there is one. */
  next(): Promise<SourceReport>;
  /** The next report, which is of members. */
  members(): Promise<MembersReport>;
  /** The message of the next report, which is a failure. */
  failure(): Promise<string>;
  /** All reports from now on, until it is stopped. */
  each(onReport: (report: SourceReport) => void): Promise<void>;
  /** Lets the loop turn so often, and some time pass. */
  turns(count: number): Promise<void>;
  /** Lets time pass until `isSo`, slowly: what goes over sockets takes some turns of the loop, and is to take little time. */
  until(isSo: () => boolean): Promise<void>;
  /** Until the source has the beginning of the answer to a watch of this server, whose resets and ends it sees from then on. */
  watching(api: KubernetesApi): Promise<void>;
  stop(): Promise<void>;
}

/** For the beginning of an answer, as the source has it. */
const ANSWER_TIMEOUT_MS = 10_000;

/** Knows what was last waited for. */
class AlarmClock extends FakeClock {
  lastDelayMs = 0;

  override after(delayMs: number, fn: () => void): Timer {
    this.lastDelayMs = delayMs;
    return super.after(delayMs, fn);
  }
}

export interface FollowingOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Of the service account. */
  readonly directory?: string;
}

/** Reads until the test ends. */
export function followKubernetes(
  t: { teardown(fn: () => unknown): unknown },
  options: KubernetesSourceOptions,
  given: FollowingOptions = {},
): Following {
  const clock = new AlarmClock();
  const source = createKubernetesSource(options, sourceDeps(clock, given.environment), given.directory);
  const abort = new AbortController();
  const reports = source.watch(abort.signal)[Symbol.asyncIterator]();
  const stop = async (): Promise<void> => {
    abort.abort();
    while (!(await reports.next()).done);
  };
  t.teardown(stop);

  let turn = 0;
  const turns = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) {
      turn += 1;
      await (turn % 8 === 0 ? clock.advance(50) : settle());
    }
  };
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await turns(1);
  };
  const next = async (): Promise<SourceReport> => {
    let found: SourceReport | 'end' | null = null;
    void reports.next().then(({ done, value }) => {
      found = done ? 'end' : value;
    });
    await until(() => found !== null);
    if (found === 'end' || found === null) throw new Error('the stream ended');
    return found;
  };
  return {
    source,
    clock,
    next,
    each: async (onReport) => {
      for (let report = await reports.next(); !report.done; report = await reports.next()) onReport(report.value);
    },
    turns,
    until,
    watching: (api) => until(() => api.watches > 0 && clock.lastDelayMs > ANSWER_TIMEOUT_MS),
    stop,
    members: async () => {
      const report = await next();
      if (report.kind === 'failed') throw new Error(`members were expected: ${report.error.message}`);
      return report;
    },
    failure: async () => {
      const report = await next();
      if (report.kind === 'failed') return report.error.message;
      throw new Error(`a failure was expected: ${report.members.map(({ id }) => id).join(', ') || 'no members'}`);
    },
  };
}
