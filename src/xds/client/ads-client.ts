import {
  Backoff,
  type Clock,
  inSlices,
  messageOf,
  Observable,
  type Random,
  type ReadonlyObservable,
  type Timer,
  type TimeSlices,
} from '../../core/index.ts';
import type { Node } from '../../gen/envoy/config/core/v3/base.ts';
import type { Logger, MetricRegistry } from '../../telemetry/index.ts';
import type { TypeUrl } from '../types.ts';
import { ClientStats } from './client-stats.ts';
import { delta } from './delta.ts';
import { type Interest, type Interests, inServingOrder, wants } from './interest.ts';
import { flawOf, refusalText } from './refusal.ts';
import { sotw } from './sotw.ts';
import type { StateFile } from './state-file.ts';
import { type Response, TypeState } from './type-state.ts';
import type { AdsStream, AdsTransport, ResourceFailure, ResourceSink, ResourceUpdate } from './types.ts';
import type { Variant } from './variant.ts';

/** How long control may stay silent after a start before the saved state serves. */
const STATE_AFTER_MS = 1_000;
/** Responses that may wait for the one being applied; a server that sends more does not pace itself by ACKs. */
const MAX_WAITING = 256;

export interface AdsClientOptions {
  readonly transport: AdsTransport;
  readonly variant: 'delta' | 'sotw';
  /** What we say of ourselves; id and cluster are not empty. */
  readonly node: Node;
  /** `set_node_on_first_message_only` of the ADS ApiConfigSource. Delta sends it once in any case, as Envoy does. */
  readonly setNodeOnFirstMessageOnly: boolean;
  /** Jittered delay between streams; Envoy's is 500 ms to 30 s. Starts over after each answer. */
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  readonly sink: ResourceSink;
  readonly clock: Clock;
  /** Large responses are decoded a slice at a time. */
  readonly slices: TimeSlices;
  readonly random: Random;
  readonly registry: MetricRegistry;
  readonly log: Logger;
  /** Where the last accepted resources are kept for a start without control. */
  readonly state?: StateFile;
}

/** `open`: a stream exists; it said its node once `introduced`; control answered on it once `heard`. `waiting`: backing off. */
type Link =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'open'; stream: AdsStream | null; introduced: boolean; heard: boolean; waiting: number }
  | { readonly kind: 'waiting'; readonly timer: Timer };

/** `unread`: control may still answer first. `read`: updates that were not applied yet, their types being not wanted so far. */
type Saved = { readonly kind: 'unread' | 'reading' } | { readonly kind: 'read'; readonly updates: Map<TypeUrl, ResourceUpdate> };

type OpenLink = Extract<Link, { kind: 'open' }>;

/**
 * Keeps one ADS stream: asks for what is wanted, hands what comes to the sink, answers ACK or NACK, and opens the stream again when it
 * ends, saying what it has already. What was accepted stays whatever happens to the stream.
 */
export class AdsClient {
  readonly #options: AdsClientOptions;
  readonly #variant: Variant;
  readonly #stats: ClientStats;
  readonly #backoff: Backoff;
  readonly #types = new Map<TypeUrl, TypeState>();
  readonly #identifier = new Observable('');
  #link: Link = { kind: 'stopped' };
  #queue: Promise<void> = Promise.resolve();
  #stateTimer: Timer | null = null;
  #saved: Saved = { kind: 'unread' };

  constructor(options: AdsClientOptions) {
    this.#options = options;
    this.#variant = options.variant === 'delta' ? delta : sotw;
    this.#stats = new ClientStats(options.registry);
    this.#backoff = new Backoff(options.backoff, options.random);
  }

  /** `control_plane.identifier` of the last response that had one; '' before. */
  get identifier(): ReadonlyObservable<string> {
    return this.#identifier;
  }

  /** Opens the stream. Later calls do nothing while it runs. */
  start(): void {
    if (this.#link.kind !== 'stopped') return;
    if (this.#options.state) this.#stateTimer = this.#options.clock.after(STATE_AFTER_MS, () => this.#restore());
    this.#open();
  }

  /** Ends the stream, waits for what is being applied, and writes the state file a last time. */
  async stop(): Promise<void> {
    const link = this.#link;
    this.#link = { kind: 'stopped' };
    this.#stateTimer?.cancel();
    if (link.kind === 'waiting') link.timer.cancel();
    if (link.kind === 'open') link.stream?.close();
    this.#stats.connected.set(0);
    await this.#queue;
    await this.#options.state?.flush();
  }

  /** Replaces everything that is wanted. Requests go out at once, clusters first. */
  want(interests: Interests): void {
    for (const typeUrl of inServingOrder(interests.keys())) this.#wantType(typeUrl, interests.get(typeUrl) as Interest);
    this.#applySaved();
  }

  #wantType(typeUrl: TypeUrl, interest: Interest): void {
    const known = this.#types.get(typeUrl);
    if (known && sameInterest(known.interest, interest)) return;
    const type = known ?? new TypeState(typeUrl, interest);
    this.#types.set(typeUrl, type);
    type.want(interest);
    if (this.#mustApplySaved(type)) return;
    this.#options.state?.retain(typeUrl, interest);
    this.#ask(type);
  }

  /** Sends the first request of a type on this stream, or how what is wanted changed since. */
  #ask(type: TypeState): void {
    const link = this.#link;
    // What was saved is applied first: the request then says that it is here.
    if (link.kind !== 'open' || this.#mustApplySaved(type)) return;
    // A first request without names would mean "everything": wait until there is a name.
    if (type.asked === null && type.interest.kind === 'names' && type.interest.names.size === 0) return;
    this.#send(link, type, (node) => (type.asked === null ? this.#variant.first(type, node) : this.#variant.change(type, node)));
    type.asked = type.interest;
  }

  #send(link: OpenLink, type: TypeState, request: (node: Node | undefined) => Uint8Array): void {
    const isOnce = this.#variant === delta || this.#options.setNodeOnFirstMessageOnly;
    const bytes = request(link.introduced && isOnce ? undefined : this.#options.node);
    link.introduced = true;
    this.#stats.of(type.typeUrl)?.attempt.inc();
    link.stream?.send(bytes);
  }

  #open(): void {
    const link: OpenLink = { kind: 'open', stream: null, introduced: false, heard: false, waiting: 0 };
    this.#link = link;
    link.stream = this.#options.transport.open(this.#variant.method, {
      onMessage: (message) => this.#enqueue(link, message),
      onEnd: (status) => this.#onEnd(link, `gRPC status ${status.code}${status.message === '' ? '' : `: ${status.message}`}`),
    });
    for (const typeUrl of inServingOrder(this.#types.keys())) {
      const type = this.#types.get(typeUrl);
      if (type && this.#isCurrent(link)) this.#ask(type);
    }
  }

  #onEnd(link: OpenLink, reason: string): void {
    if (!this.#isCurrent(link)) return;
    for (const [typeUrl, type] of this.#types) {
      type.leaveStream();
      this.#stats.of(typeUrl)?.failure.inc();
    }
    this.#stats.connected.set(0);
    const delayMs = this.#backoff.nextMs();
    this.#link = { kind: 'waiting', timer: this.#options.clock.after(delayMs, () => this.#open()) };
    const fields = { method: this.#variant.method, retryMs: Math.round(delayMs) };
    this.#options.log.warn('xds.stream_closed', fields, `ads stream closed, ${reason}; serving what was accepted`);
    this.#restore();
  }

  #enqueue(link: OpenLink, message: Uint8Array): void {
    if (!this.#isCurrent(link)) return;
    link.waiting += 1;
    this.#later(async () => {
      link.waiting -= 1;
      await this.#handle(link, message);
    });
    if (link.waiting > MAX_WAITING) this.#abandon(link, `more than ${MAX_WAITING} responses wait to be applied`);
  }

  /** Runs `step` after everything that was begun: updates are applied one at a time. */
  #later(step: () => Promise<void>): void {
    this.#queue = this.#queue.then(step).catch((error: unknown) => {
      this.#options.log.error(
        'xds.bug',
        { stack: error instanceof Error ? error.stack : '' },
        `applying an update threw: ${messageOf(error)}`,
      );
    });
  }

  /** Gives up a stream whose peer misbehaves. */
  #abandon(link: OpenLink, reason: string): void {
    link.stream?.close();
    this.#onEnd(link, reason);
  }

  async #handle(link: OpenLink, message: Uint8Array): Promise<void> {
    // What a stream sent before it ended is stale: the next one starts from what was accepted.
    if (!this.#isCurrent(link)) return;
    let response: Response;
    try {
      response = await inSlices(this.#options.slices, this.#variant.decodeInSteps(message));
    } catch (error) {
      if (this.#isCurrent(link)) this.#abandon(link, `a response is no protobuf: ${messageOf(error)}`);
      return;
    }
    if (!this.#isCurrent(link)) return;
    this.#onHeard(link, response);
    const type = this.#types.get(response.typeUrl);
    if (!type) return this.#options.log.warn('xds.unasked', { type: response.typeUrl }, 'response of a type that was not asked for');
    type.nonce = response.nonce;
    const error = await this.#take(type, response);
    if (this.#isCurrent(link)) this.#send(link, type, (node) => this.#variant.answer(type, response.nonce, error, node));
  }

  #isCurrent(link: OpenLink): boolean {
    return this.#link === link;
  }

  #onHeard(link: OpenLink, response: Response): void {
    if (response.identifier !== '') this.#identifier.set(response.identifier);
    if (link.heard) return;
    link.heard = true;
    this.#stateTimer?.cancel();
    if (this.#saved.kind === 'unread') this.#saved = { kind: 'read', updates: new Map() };
    this.#backoff.reset();
    this.#stats.connected.set(1);
    this.#options.log.info('xds.connected', { identifier: response.identifier }, 'control answers');
  }

  /** Applies a response. Returns the text of the NACK, or null for an ACK. */
  async #take(type: TypeState, response: Response): Promise<string | null> {
    const { log, clock } = this.#options;
    const flaw = flawOf(response);
    const error = flaw === null ? await this.#takeUpdate(type, this.#variant.toUpdate(type, response)) : flaw;
    // Refused whole, yet answered: what waits for a first answer goes on without.
    if (flaw !== null) await this.#options.sink.apply({ typeUrl: type.typeUrl, version: type.version, upserts: [], removed: [] });
    const stats = this.#stats.of(type.typeUrl);
    const fields = { type: type.typeUrl, version: response.version, nonce: response.nonce };
    if (error === null) {
      stats?.success.inc();
      stats?.updateTimeMs.set(clock.nowMs());
      log.debug('xds.accepted', { ...fields, resources: response.resources.length, removed: response.removed.length }, 'update accepted');
    } else {
      stats?.rejected.inc();
      log.warn('xds.nack', fields, error);
    }
    return error;
  }

  async #takeUpdate(type: TypeState, update: ResourceUpdate): Promise<string | null> {
    const failures = await this.#apply(type, update);
    return failures.length === 0 ? null : refusalText(type.typeUrl, update.upserts.length, failures);
  }

  async #apply(type: TypeState, update: ResourceUpdate): Promise<readonly ResourceFailure[]> {
    const failures = await this.#options.sink.apply(update);
    type.record(update, failures);
    this.#options.state?.record(update, failures);
    return failures;
  }

  #mustApplySaved(type: TypeState): boolean {
    return this.#saved.kind === 'reading' || this.#savedOf(type) !== null;
  }

  /** What was saved of a type and is wanted, or null when there is nothing to apply. */
  #savedOf({ typeUrl, interest }: TypeState): ResourceUpdate | null {
    const saved = this.#saved.kind === 'read' ? this.#saved.updates.get(typeUrl) : undefined;
    if (!saved) return null;
    const upserts = saved.upserts.filter(({ name }) => wants(interest, name));
    return upserts.length === 0 && interest.kind === 'names' ? null : { ...saved, upserts };
  }

  /** Reads the saved state, once, when control was not heard so far. */
  #restore(): void {
    const { state } = this.#options;
    if (!state || this.#saved.kind !== 'unread') return;
    this.#saved = { kind: 'reading' };
    this.#stateTimer?.cancel();
    // A silent stream was told that nothing is here: the next one is told the truth.
    if (this.#link.kind === 'open') this.#abandon(this.#link, 'no answer');
    this.#later(async () => {
      const updates = await state.load();
      this.#saved = { kind: 'read', updates: new Map(updates.map((update) => [update.typeUrl, update])) };
      for (const type of this.#types.values()) this.#ask(type);
      this.#applySaved();
    });
  }

  /** Applies what was saved and is wanted by now, then asks for it. What only becomes wanted by that comes next. */
  #applySaved(): void {
    for (const typeUrl of inServingOrder(this.#types.keys())) {
      const type = this.#types.get(typeUrl);
      if (type && this.#savedOf(type)) this.#later(() => this.#applySavedOf(type));
    }
  }

  async #applySavedOf(type: TypeState): Promise<void> {
    const update = this.#savedOf(type);
    if (!update || this.#saved.kind !== 'read') return;
    const { updates } = this.#saved;
    const failures = await this.#apply(type, update);
    for (const { message } of failures) this.#options.log.warn('xds.saved_refused', { type: type.typeUrl }, message);
    const applied = new Set(update.upserts.map(({ name }) => name));
    const left = updates.get(type.typeUrl)?.upserts.filter(({ name }) => !applied.has(name)) ?? [];
    if (left.length === 0 || type.interest.kind === 'all') updates.delete(type.typeUrl);
    else updates.set(type.typeUrl, { ...update, upserts: left });
    this.#ask(type);
  }
}

function sameInterest(a: Interest, b: Interest): boolean {
  if (a.kind === 'all' || b.kind === 'all') return a.kind === b.kind;
  return a.names.size === b.names.size && [...a.names].every((name) => b.names.has(name));
}
