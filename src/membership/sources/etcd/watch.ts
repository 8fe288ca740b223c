import { Backoff, follow, RingwayError, sleep } from '../../../core/index.ts';
import { joinRings } from '../../dskit/index.ts';
import type { MembershipSource, SourceReport } from '../../types.ts';
import type { SourceDeps } from '../types.ts';
import type { EtcdSourceOptions } from './options.ts';
import type { Rings } from './read.ts';
import { followEndpoint } from './session.ts';

/** Between two tries. What is not there yet is not looked for more often than this. */
const RETRY = { baseMs: 200, maxMs: 5000, minMs: 20 };
/** A watch that has lasted this long was a good one. */
const STEADY_MS = 10_000;

/**
 * dskit's rings in etcd. One member of the cluster is followed: both keys are read at one revision, their changes watched from there. When
 * it fails the next one is tried; a failure is reported when each has failed, and at once when what stands under the keys is no ring.
 */
export function createEtcdSource(options: EtcdSourceOptions, deps: SourceDeps): MembershipSource {
  return {
    name: options.name,
    watch: (signal) =>
      follow<SourceReport>(signal, (put) => {
        const stopping = new AbortController();
        const following = followCluster(options, deps, AbortSignal.any([signal, stopping.signal]), put);
        return () => {
          stopping.abort();
          return following;
        };
      }),
  };
}

async function followCluster(
  options: EtcdSourceOptions,
  deps: SourceDeps,
  signal: AbortSignal,
  put: (report: SourceReport) => void,
): Promise<void> {
  const { ring, endpoints } = options;
  const { clock, random } = deps;
  const backoff = new Backoff(RETRY, random);
  let next = Math.floor(random() * endpoints.length);
  let failures: RingwayError[] = [];
  while (!signal.aborted) {
    const endpoint = endpoints[next % endpoints.length] as string;
    const beganMs = clock.monotonicMs();
    let hasWorked = false;
    const onRings = ({ instances, partitions }: Rings): void => {
      hasWorked = true;
      failures = [];
      put({ kind: 'members', ring, ...joinRings(instances, partitions), asOfMs: clock.nowMs() });
    };
    const end = await followEndpoint({ endpoint, options, deps, signal, onRings });
    if (signal.aborted) return;
    const wasSteady = clock.monotonicMs() - beganMs >= STEADY_MS;
    if (wasSteady) backoff.reset();
    if (end.kind === 'spoiled') put({ kind: 'failed', error: end.error });
    if (end.kind === 'failed') {
      next += 1;
      failures.push(end.error);
      if (failures.length === endpoints.length) {
        put({ kind: 'failed', error: asOne(failures) });
        failures = [];
      } else if (wasSteady || !hasWorked) continue;
    }
    await sleep(clock, backoff.nextMs(), signal);
  }
}

function asOne(failures: readonly RingwayError[]): RingwayError {
  const [only, ...more] = failures;
  if (only !== undefined && more.length === 0) return only;
  return new RingwayError(failures.map(({ message }) => message).join('; '), { code: 'NO_ENDPOINT_WORKS' });
}
