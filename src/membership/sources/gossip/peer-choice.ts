// Whom to ask, and how often: enough peers that a late one does not matter, few enough that nobody feels it. Pure.
import ipaddr from 'ipaddr.js';
import { formatHostPort, type HostPort, isLoopback, type Random } from '../../../core/index.ts';

/** So many are asked at most; of more, some at random: the gossip brings to each what the others know. */
const MAX_PEERS = 16;
/** With fewer seeds than this, other members of the gossip are asked too, up to this many in all. */
export const ENOUGH_PEERS = 8;
/**
 * Replies of all peers together that are read each `every`. A pull makes a peer write down its whole store under a lock, and us read it, some
 * 10 ms of CPU a MiB at either end: with replies of 128 KiB (100 members of Tempo) and more, each peer is asked less often.
 */
const REPLY_BYTES_PER_ROUND = 2 * 1024 * 1024;
/** However large replies are, so many peers are asked each `every`: one alone may be half a minute behind. */
const MIN_PEERS_PER_ROUND = 2;

export interface PeerCandidate {
  readonly target: HostPort;
  readonly origin: 'seed' | 'learned';
}

/** What is known of a peer that is asked now. */
export type PeerHealth = 'new' | 'good' | 'failed';

/**
 * The peers to ask from now on. Those that are asked already stay, unless they fail and another is there to take their place; learned ones
 * only fill up.
 */
export function choosePeers(
  seeds: readonly HostPort[],
  learned: readonly HostPort[],
  healthOf: (key: string) => PeerHealth | undefined,
  random: Random,
): ReadonlyMap<string, PeerCandidate> {
  const chosen = new Map<string, PeerCandidate>();
  const take = (targets: readonly HostPort[], origin: PeerCandidate['origin'], upTo: number): void => {
    const unique = new Map(targets.map((target) => [formatHostPort(target), target]));
    const ranked = [...unique].map(([key, target]) => ({ key, target, rank: rankOf(healthOf(key), random) }));
    for (const { key, target } of ranked.sort((a, b) => a.rank - b.rank))
      if (chosen.size < upTo && !chosen.has(key)) chosen.set(key, { target, origin });
  };
  take(seeds, 'seed', MAX_PEERS);
  take(learned, 'learned', ENOUGH_PEERS);
  return chosen;
}

function rankOf(health: PeerHealth | undefined, random: Random): number {
  if (health === undefined) return 1 + random();
  return health === 'failed' ? 3 : 0;
}

/** How long to wait before the same peer is asked again, without jitter. */
export function askEveryMs(everyMs: number, peers: number, replyBytes: number): number {
  const rounds = Math.ceil((peers * replyBytes) / REPLY_BYTES_PER_ROUND);
  return everyMs * Math.max(1, Math.min(rounds, peers / MIN_PEERS_PER_ROUND));
}

/**
 * Whether an address that the peer at `teller` named may be asked. It is only a claim, so nothing is dialled that is no other machine's
 * address: loopback is believed of a peer that is itself there.
 */
export function isAskable({ host }: HostPort, teller: string): boolean {
  if (!ipaddr.isValid(host)) return false;
  const range = ipaddr.process(host).range();
  if (range === 'loopback') return isLoopback(teller);
  return range === 'unicast' || range === 'private' || range === 'uniqueLocal' || range === 'carrierGradeNat';
}
