import { formatHostPort, type HostPort, messageOf, RingwayError, sleep } from '../../../core/index.ts';
import type { SourceReport } from '../../types.ts';
import type { SourceDeps } from '../types.ts';
import { Knowledge } from './knowledge.ts';
import type { GossipSourceOptions } from './options.ts';
import { askEveryMs, choosePeers, ENOUGH_PEERS, isAskable, type PeerCandidate } from './peer-choice.ts';
import { type PeerAnswer, readPeer } from './read.ts';
import { ReplyRoom } from './reply-room.ts';
import { followSeed, type SeedDns } from './seeds.ts';

/** Within this time gossip has reached everybody (queriers' views differ by up to 25 s): what nobody says for longer is gone. */
const GOSSIP_MS = 30_000;
/** A peer that was only named by another one and does not answer is not tried again for so long. */
const SHUN_MS = 300_000;
const MAX_NAMED_ERRORS = 3;

/** How the last read of one peer went. */
type PeerState =
  | { readonly kind: 'new' }
  | { readonly kind: 'good'; readonly answer: Pick<PeerAnswer, 'nodes' | 'remoteAddress' | 'replyBytes'> }
  | { readonly kind: 'failed'; readonly error: RingwayError };

/** A peer that is asked again and again. */
interface Peer extends PeerCandidate {
  readonly stop: AbortController;
  state: PeerState;
}

/** What DNS last said of one seed; `error` is null when that was good. Targets stay as they last were. */
interface SeedState {
  readonly targets: readonly HostPort[];
  readonly error: RingwayError | null;
}

/** One watch of a gossip source: which peers there are, what they say, what is reported of it. Begin with `start`. */
export class GossipObserver {
  readonly #options: GossipSourceOptions;
  readonly #deps: SourceDeps;
  readonly #dns: SeedDns;
  readonly #put: (report: SourceReport) => void;
  readonly #stopping = new AbortController();
  readonly #work = new Set<Promise<void>>();
  readonly #seeds = new Map<string, SeedState>();
  readonly #peers = new Map<string, Peer>();
  /** Learned peers that did not answer, and until when they are left alone. */
  readonly #shunned = new Map<string, number>();
  readonly #knowledge = new Knowledge();
  readonly #room = new ReplyRoom();
  /** Milliseconds during which somebody answered: an outage makes nobody forget anything. */
  #heardMs = 0;
  #lastAnswerMs: number | null = null;
  #asOfMs = 0;
  #hasMembers = false;
  #reported: { readonly atMs: number; readonly what: string } | null = null;

  constructor(options: GossipSourceOptions, deps: SourceDeps, dns: SeedDns, put: (report: SourceReport) => void) {
    this.#options = options;
    this.#deps = deps;
    this.#dns = dns;
    this.#put = put;
  }

  start(): void {
    const { clock, random } = this.#deps;
    const options = { dns: this.#dns, clock, random, signal: this.#stopping.signal };
    for (const seed of this.#options.seeds) this.#keep(followSeed(seed, options, (answer) => this.#onSeed(seed, answer)));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const { stop } of this.#peers.values()) stop.abort();
    this.#dns.close();
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #keep(work: Promise<void>): void {
    const kept = work.finally(() => this.#work.delete(kept));
    this.#work.add(kept);
  }

  #onSeed(seed: string, answer: readonly HostPort[] | RingwayError): void {
    const targets = this.#seeds.get(seed)?.targets ?? [];
    this.#seeds.set(seed, answer instanceof RingwayError ? { targets, error: answer } : { targets: answer, error: null });
    if (this.#seeds.size < this.#options.seeds.length) return;
    this.#choosePeers();
    if (answer instanceof RingwayError) this.#report(false);
  }

  #choosePeers(): void {
    const seeds = [...this.#seeds.values()].flatMap(({ targets }) => targets);
    const chosen = choosePeers(seeds, this.#learned(), (key) => this.#peers.get(key)?.state.kind, this.#deps.random);
    for (const [key, peer] of this.#peers) {
      if (chosen.get(key)?.origin === peer.origin) continue;
      this.#peers.delete(key);
      peer.stop.abort();
    }
    for (const [key, candidate] of chosen) {
      if (this.#peers.has(key)) continue;
      const peer: Peer = { ...candidate, stop: new AbortController(), state: { kind: 'new' } };
      this.#peers.set(key, peer);
      this.#keep(this.#follow(key, peer));
    }
  }

  /** Members of the gossip that peers of ours named, but for those that are asked by another name already. */
  #learned(): readonly HostPort[] {
    const { tls } = this.#options;
    // Certificates are for names, and these are addresses: without one name for all, none of them could be believed.
    if (tls !== null && tls.serverName === null && !tls.insecureSkipVerify) return [];
    const asked = new Set<string>();
    const named = new Map<string, HostPort>();
    for (const { origin, state, target } of this.#peers.values()) {
      if (origin !== 'seed' || state.kind !== 'good') continue;
      const { nodes, remoteAddress } = state.answer;
      asked.add(formatHostPort({ host: remoteAddress, port: target.port }));
      for (const node of nodes) if (isAskable(node, remoteAddress)) named.set(formatHostPort(node), node);
    }
    return [...named].flatMap(([key, node]) => (asked.has(key) || this.#isShunned(key) ? [] : node));
  }

  #isShunned(key: string): boolean {
    return (this.#shunned.get(key) ?? 0) > this.#deps.clock.monotonicMs();
  }

  /** Those whose time is over go then too: a peer that makes up new ones for ever does not fill the memory. */
  #shun(key: string): void {
    const nowMs = this.#deps.clock.monotonicMs();
    for (const [shunned, untilMs] of this.#shunned) if (untilMs <= nowMs) this.#shunned.delete(shunned);
    this.#shunned.set(key, nowMs + SHUN_MS);
  }

  async #follow(key: string, peer: Peer): Promise<void> {
    const { clock, random } = this.#deps;
    const { signal } = peer.stop;
    while (!signal.aborted) {
      const startedMs = clock.nowMs();
      try {
        const answer = await readPeer(peer.target, { ...this.#options, room: this.#room, clock, signal });
        if (!signal.aborted) this.#onAnswer(peer, answer, startedMs);
      } catch (error) {
        if (!signal.aborted) this.#onFailure(key, peer, errorOf(key, error));
      }
      await sleep(clock, this.#askEveryMs() * (0.9 + 0.2 * random()), signal);
    }
  }

  #onAnswer(peer: Peer, { instances, partitions, nodes, remoteAddress, replyBytes }: PeerAnswer, startedMs: number): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const pauseMs = nowMs - (this.#lastAnswerMs ?? nowMs);
    this.#heardMs += Math.min(pauseMs, this.#askEveryMs() + this.#options.timeoutMs);
    this.#lastAnswerMs = nowMs;
    // First, so that what nobody says any more takes no room from what is said.
    this.#knowledge.forget(this.#heardMs - Math.max(GOSSIP_MS, 2 * this.#askEveryMs()));
    const isNews = this.#knowledge.learn(instances, partitions, this.#heardMs);
    this.#asOfMs = Math.max(this.#asOfMs, startedMs);
    peer.state = { kind: 'good', answer: { nodes, remoteAddress, replyBytes } };
    if (peer.origin === 'seed' && this.#peers.size < ENOUGH_PEERS) this.#choosePeers();
    this.#report(isNews);
  }

  #onFailure(key: string, peer: Peer, error: RingwayError): void {
    peer.state = { kind: 'failed', error };
    if (peer.origin === 'learned') this.#shun(key);
    this.#choosePeers();
    this.#report(false);
  }

  #askEveryMs(): number {
    const sizes = [...this.#peers.values()].map(({ state }) => (state.kind === 'good' ? state.answer.replyBytes : 0));
    return askEveryMs(this.#options.everyMs, sizes.length, Math.max(0, ...sizes));
  }

  /** News are reported at once, the rest once each `every`, whoever of the peers brought it. */
  #report(isNews: boolean): void {
    const peers = [...this.#peers.values()];
    if (!this.#hasMembers && (this.#seeds.size < this.#options.seeds.length || peers.some(isAwaited))) return;
    const isGood = peers.some(({ state }) => state.kind === 'good');
    const errors = this.#errors(peers);
    const what = `${isGood} ${errors.map(({ code }) => code)}`;
    const nowMs = this.#deps.clock.monotonicMs();
    const last = this.#reported;
    if (!isNews && last?.what === what && nowMs - last.atMs < this.#options.everyMs / 2) return;
    this.#reported = { atMs: nowMs, what };
    this.#hasMembers ||= isGood;
    this.#put(isGood ? this.#members(errors) : { kind: 'failed', error: oneOf(errors) });
  }

  #members(errors: readonly RingwayError[]): SourceReport {
    const warning = errors.length === 0 ? {} : { warning: oneOf(errors).message };
    return { kind: 'members', ring: this.#options.ring, ...this.#knowledge.join(), asOfMs: this.#asOfMs, ...warning };
  }

  /** What the operator can mend: seeds, and peers that seeds led to. */
  #errors(peers: readonly Peer[]): readonly RingwayError[] {
    const ofSeeds = [...this.#seeds.values()].flatMap(({ error }) => error ?? []);
    return [...ofSeeds, ...peers.flatMap(({ origin, state }) => (origin === 'seed' && state.kind === 'failed' ? state.error : []))];
  }
}

/** Learned peers are waited for by nobody. */
function isAwaited({ origin, state }: Peer): boolean {
  return origin === 'seed' && state.kind === 'new';
}

function errorOf(key: string, error: unknown): RingwayError {
  return error instanceof RingwayError ? error : new RingwayError(`${key}: ${messageOf(error)}`, { code: 'READ_FAILED', cause: error });
}

function oneOf(errors: readonly RingwayError[]): RingwayError {
  const [first, ...more] = errors;
  if (first !== undefined && more.length === 0) return first;
  const named = errors.slice(0, MAX_NAMED_ERRORS).map(({ message }) => message);
  const others = errors.length - named.length;
  return new RingwayError([...named, ...(others > 0 ? [`and ${others} more`] : [])].join('; '), { code: 'NO_PEER_WORKS' });
}
