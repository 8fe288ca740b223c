import { messageOf, RingwayError, sleep } from '../../../core/index.ts';
import { joinRings, mergeInstanceRings, mergePartitionRings } from '../../dskit/index.ts';
import type { MembershipSource, SourceReport } from '../../types.ts';
import { follow } from '../follow.ts';
import type { SourceDeps } from '../types.ts';
import type { TempoSourceOptions } from './options.ts';
import { type PeerRings, readPeer } from './read.ts';

/** How the last read of one peer went. */
type PeerResult =
  | { readonly kind: 'rings'; readonly rings: PeerRings; readonly asOfMs: number }
  | { readonly kind: 'failed'; readonly error: RingwayError };

/**
 * The rings of a running Tempo. Each peer is read on its own, so one that hangs delays nobody; what the peers say is merged, since gossip
 * reaches them at different times. A peer that fails takes no part until it works again: it is a warning while another works.
 */
export function createTempoSource(options: TempoSourceOptions, deps: SourceDeps): MembershipSource {
  return {
    name: options.name,
    watch: (signal) =>
      follow<SourceReport>(signal, (put) => {
        const results = new Map<string, PeerResult | null>(options.urls.map((url) => [url, null]));
        const stopping = new AbortController();
        const stopped = AbortSignal.any([signal, stopping.signal]);
        const loops = options.urls.map((url) =>
          pollPeer(url, options, deps, stopped, (result) => {
            results.set(url, result);
            const report = reportOf(options, [...results.values()]);
            if (report !== null) put(report);
          }),
        );
        return async () => {
          stopping.abort();
          await Promise.all(loops);
        };
      }),
  };
}

async function pollPeer(
  url: string,
  options: TempoSourceOptions,
  { clock, random }: SourceDeps,
  signal: AbortSignal,
  onResult: (result: PeerResult) => void,
): Promise<void> {
  while (!signal.aborted) {
    const result = await attempt(url, options, { clock, random }, signal);
    if (signal.aborted) return;
    onResult(result);
    await sleep(clock, options.everyMs * (0.9 + 0.2 * random()), signal);
  }
}

async function attempt(url: string, options: TempoSourceOptions, { clock }: SourceDeps, signal: AbortSignal): Promise<PeerResult> {
  const asOfMs = clock.nowMs();
  try {
    return { kind: 'rings', rings: await readPeer(url, { ...options, clock, signal }), asOfMs };
  } catch (error) {
    if (error instanceof RingwayError) return { kind: 'failed', error };
    return { kind: 'failed', error: new RingwayError(`${url}: ${messageOf(error)}`, { code: 'READ_FAILED', cause: error }) };
  }
}

/** Null while no peer works and one has not answered yet. */
function reportOf({ ring }: TempoSourceOptions, results: readonly (PeerResult | null)[]): SourceReport | null {
  const good = results.filter((result) => result?.kind === 'rings');
  const errors = results.flatMap((result) => (result?.kind === 'failed' ? result.error : []));
  const texts = errors.map(({ message }) => message).join('; ');
  if (good.length === 0) {
    if (results.includes(null)) return null;
    const [only] = errors.length === 1 ? errors : [];
    return { kind: 'failed', error: only ?? new RingwayError(texts, { code: 'NO_PEER_WORKS' }) };
  }
  const partitions = good.flatMap(({ rings }) => rings.partitions ?? []);
  const joined = joinRings(
    mergeInstanceRings(good.map(({ rings }) => rings.instances)),
    partitions.length === 0 ? null : mergePartitionRings(partitions),
  );
  const asOfMs = Math.max(...good.map((result) => result.asOfMs));
  return { kind: 'members', ring, ...joined, asOfMs, ...(texts === '' ? {} : { warning: texts }) };
}
