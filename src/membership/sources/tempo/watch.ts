import { follow, messageOf, RingwayError, sleep } from '../../../core/index.ts';
import { joinRings, mergeInstanceRings, mergePartitionRings } from '../../dskit/index.ts';
import type { MembershipSource, SourceReport } from '../../types.ts';
import { type AccessConfig, type HeaderValue, readAccess } from '../request-access.ts';
import type { SourceDeps } from '../types.ts';
import type { TempoSourceOptions } from './options.ts';
import { type PeerRings, readPeer } from './read.ts';

/** The rings as a peer had them at one moment. */
interface PeerView {
  readonly rings: PeerRings;
  readonly asOfMs: number;
}

/** How the last read of one peer went; `last` is its last good one. */
type PeerResult =
  | { readonly kind: 'good'; readonly last: PeerView }
  | { readonly kind: 'failed'; readonly error: RingwayError; readonly last: PeerView | null };

/** Within this time gossip has reached everybody (queriers' views differ by up to 25 s): what a failing peer knew, the others know. */
const GOSSIP_MS = 30_000;

/**
 * The rings of a running Tempo. Each peer is read on its own, so one that hangs delays nobody; what the peers say is merged, since gossip
 * reaches them at different times. A peer that fails is a warning while another works; what it last said counts for as long as gossip
 * may take, so that a member only it had heard of does not vanish. Only the first report waits until each peer has answered or failed:
 * one that has just started knows a part of the ring.
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
          pollPeer(url, options, deps, stopped, (answer) => {
            results.set(url, answer instanceof RingwayError ? failed(answer, results.get(url)) : { kind: 'good', last: answer });
            const heard = [...results.values()].filter((result) => result !== null);
            if (heard.length === results.size) put(reportOf(options, heard, deps.clock.nowMs()));
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
  deps: SourceDeps,
  signal: AbortSignal,
  onAnswer: (answer: PeerView | RingwayError) => void,
): Promise<void> {
  while (!signal.aborted) {
    const answer = await attempt(url, options, deps, signal);
    if (signal.aborted) return;
    onAnswer(answer);
    await sleep(deps.clock, options.everyMs * (0.9 + 0.2 * deps.random()), signal);
  }
}

async function attempt(url: string, options: TempoSourceOptions, deps: SourceDeps, signal: AbortSignal): Promise<PeerView | RingwayError> {
  const { clock, readSecret } = deps;
  const asOfMs = clock.nowMs();
  let hide = (text: string): string => text;
  try {
    const access = await readAccess(accessOf(options), readSecret);
    hide = access.hide;
    return { rings: await readPeer(url, { ...options, access, clock, signal }), asOfMs };
  } catch (error) {
    if (error instanceof RingwayError) return new RingwayError(hide(error.message), { code: error.code, cause: error });
    return new RingwayError(`${url}: ${hide(messageOf(error))}`, { code: 'READ_FAILED', cause: error });
  }
}

function accessOf({ tls, bearer, headers }: TempoSourceOptions): AccessConfig {
  const all: Map<string, HeaderValue> = new Map(headers);
  if (bearer !== null) all.set('authorization', { prefix: 'Bearer ', secret: bearer });
  return { tls, headers: all };
}

function failed(error: RingwayError, before: PeerResult | null | undefined): PeerResult {
  return { kind: 'failed', error, last: before?.last ?? null };
}

function reportOf({ ring }: TempoSourceOptions, results: readonly PeerResult[], nowMs: number): SourceReport {
  const errors = results.flatMap((result) => (result.kind === 'failed' ? result.error : []));
  const texts = [...new Set(errors.map(({ message }) => message))].join('; ');
  if (errors.length === results.length) {
    const [only] = errors.length === 1 ? errors : [];
    return { kind: 'failed', error: only ?? new RingwayError(texts, { code: 'NO_PEER_WORKS' }) };
  }
  const views = results.flatMap(({ kind, last }) => (last !== null && (kind === 'good' || nowMs - last.asOfMs < GOSSIP_MS) ? last : []));
  const partitions = views.flatMap(({ rings }) => rings.partitions ?? []);
  const joined = joinRings(
    mergeInstanceRings(views.map(({ rings }) => rings.instances)),
    partitions.length === 0 ? null : mergePartitionRings(partitions),
  );
  const asOfMs = Math.max(...views.map((view) => view.asOfMs));
  return { kind: 'members', ring, ...joined, asOfMs, ...(texts === '' ? {} : { warning: texts }) };
}
