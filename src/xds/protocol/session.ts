import { RingwayError } from '../../core/index.ts';
import { type ResourceSet, type Snapshot, TYPE_URLS, type TypeUrl } from '../types.ts';
import type { Moment, RequestOutcome } from './exchange.ts';
import { rulesOf } from './type-rules.ts';
import type { ResponseBody, TypeStream, TypeStreamFactory } from './type-stream.ts';
import { endpointNameOf } from './warming.ts';

/** One response to be written, in order. */
export interface PlannedResponse extends ResponseBody {
  readonly typeUrl: TypeUrl;
  readonly nonce: string;
}

/** One step of an update: send what is due of `type` once every type of `after` has answered. */
interface Step {
  readonly type: TypeUrl;
  readonly removals: boolean;
  readonly after: readonly TypeUrl[];
}

const { cluster: CDS, endpoint: EDS, listener: LDS, route: RDS } = TYPE_URLS;

/**
 * Make before break: a route never reaches a client before its clusters, a cluster goes only when no route names it. EDS does not wait
 * for the CDS answer, as Envoy withholds that until the endpoints of a new cluster are there. Listeners are replaced in one response,
 * removal included, so that one can take another's address.
 */
const STEPS: readonly Step[] = [
  { type: CDS, removals: false, after: [] },
  { type: EDS, removals: false, after: [] },
  { type: LDS, removals: true, after: [CDS, EDS] },
  { type: RDS, removals: false, after: [LDS] },
  { type: RDS, removals: true, after: [RDS] },
  { type: CDS, removals: true, after: [RDS] },
  { type: EDS, removals: true, after: [CDS] },
];
const ORDERED: ReadonlySet<TypeUrl> = new Set(STEPS.map((step) => step.type));

const EMPTY_SET: ResourceSet = { version: '', resources: new Map() };

/** Limits on what one client may make one stream hold. */
const MAX_TYPES = 64;
const MAX_NAMES = 100_000;

export interface SessionOptions<Request> {
  readonly create: TypeStreamFactory<Request>;
  /** How long one response is waited for before the next step goes on without it, ms. */
  readonly ackTimeoutMs: number;
}

/**
 * One ADS stream: which response may be written when. Each update is carried through with one snapshot, step by step; snapshots that
 * come in between are merged into the next update, except that endpoints always are the newest. At most one response a type waits
 * for its answer. Pure: time comes in, responses come out.
 */
export class AdsSession<Request extends { readonly typeUrl: TypeUrl }> {
  readonly #options: SessionOptions<Request>;
  readonly #types = new Map<TypeUrl, TypeStream<Request>>();
  #newest: Snapshot | null = null;
  /** The snapshot of the update under way. */
  #current: Snapshot | null = null;
  /** The step of the update under way; STEPS.length when it is done. */
  #step: number = STEPS.length;
  #endpoints: ResourceSet = EMPTY_SET;
  #nonce = 0;

  constructor(options: SessionOptions<Request>) {
    this.#options = options;
  }

  /** What was requested so far, in order of first request. */
  get types(): ReadonlyMap<TypeUrl, TypeStream<Request>> {
    return this.#types;
  }

  /** Takes one request. Throws RingwayError INVALID_ARGUMENT or RESOURCE_EXHAUSTED: the stream must then end. */
  request(request: Request, now: Moment): RequestOutcome {
    if (request.typeUrl === '')
      throw new RingwayError('type_url is empty: it is required on an aggregated stream', { code: 'INVALID_ARGUMENT' });
    let stream = this.#types.get(request.typeUrl);
    if (!stream) {
      if (this.#types.size >= MAX_TYPES) throw exhausted(`more than ${MAX_TYPES} resource types on one stream`);
      stream = this.#options.create(rulesOf(request.typeUrl));
      this.#types.set(request.typeUrl, stream);
      // What this type still lacks, removals included, is brought by an update of its own.
      this.#step = 0;
    }
    const outcome = stream.onRequest(request, now);
    if (stream.nameCount > MAX_NAMES) throw exhausted(`more than ${MAX_NAMES} names of ${request.typeUrl} on one stream`);
    return outcome;
  }

  /** The newest snapshot of the client's view. */
  offer(snapshot: Snapshot): void {
    this.#newest = snapshot;
    for (const stream of this.#types.values()) stream.exchange.release();
    this.#overlayEndpoints();
  }

  /** Everything that may be written now, in order; it counts as sent. */
  next(nowMs: number): PlannedResponse[] {
    const out: PlannedResponse[] = [];
    if (!this.#newest) return out;
    do {
      if (this.#step === STEPS.length || !this.#current) this.#begin(this.#newest);
      this.#walk(nowMs, out);
    } while (this.#step === STEPS.length && this.#current !== this.#newest);
    this.#upkeep(nowMs, out);
    return out;
  }

  /** Stops waiting for answers that are overdue, and says whose. */
  expire(nowMs: number): TypeUrl[] {
    return [...this.#types].filter(([, stream]) => stream.exchange.expire(nowMs, this.#options.ackTimeoutMs)).map(([typeUrl]) => typeUrl);
  }

  /** When the first answer will be overdue, monotonic ms; null when none is waited for. */
  get expiresAtMs(): number | null {
    let earliest: number | null = null;
    for (const { exchange } of this.#types.values()) {
      if (exchange.phase.kind !== 'waiting') continue;
      const atMs = exchange.phase.sentAtMs + this.#options.ackTimeoutMs;
      if (earliest === null || atMs < earliest) earliest = atMs;
    }
    return earliest;
  }

  #begin(snapshot: Snapshot): void {
    if (this.#current === snapshot && this.#step === STEPS.length) return;
    this.#current = snapshot;
    this.#step = 0;
    this.#overlayEndpoints();
  }

  /** Goes on with the update as far as answers allow. */
  #walk(nowMs: number, out: PlannedResponse[]): void {
    for (let step = STEPS[this.#step]; step; step = STEPS[this.#step]) {
      if (this.#isWaiting(step.type) || step.after.some((type) => this.#isWaiting(type))) return;
      this.#send(step.type, step.removals, nowMs, out);
      this.#step += 1;
    }
  }

  /** What clients ask for, and newer endpoints, besides the update: only of types whose step it has reached; EDS never waits. */
  #upkeep(nowMs: number, out: PlannedResponse[]): void {
    for (const type of this.#types.keys()) {
      const reached = !ORDERED.has(type) || type === EDS || STEPS.findIndex((step) => step.type === type) < this.#step;
      if (reached) this.#send(type, !ORDERED.has(type) || this.#step === STEPS.length, nowMs, out);
    }
  }

  #send(typeUrl: TypeUrl, removals: boolean, nowMs: number, out: PlannedResponse[]): void {
    const stream = this.#types.get(typeUrl);
    if (!stream?.exchange.maySend) return;
    const body = stream.take(this.#setOf(typeUrl), removals);
    if (!body) return;
    this.#nonce += 1;
    const nonce = String(this.#nonce);
    stream.exchange.onSent(nonce, body.version, nowMs);
    out.push({ ...body, typeUrl, nonce });
    if (typeUrl === CDS && body.changed.length > 0) this.#types.get(EDS)?.owe(body.changed.map(endpointNameOf));
  }

  #isWaiting(typeUrl: TypeUrl): boolean {
    return this.#types.get(typeUrl)?.exchange.phase.kind === 'waiting';
  }

  #setOf(typeUrl: TypeUrl): ResourceSet {
    if (typeUrl === EDS) return this.#endpoints;
    const snapshot = ORDERED.has(typeUrl) ? this.#current : this.#newest;
    return snapshot?.types.get(typeUrl) ?? EMPTY_SET;
  }

  /** The newest endpoints, and those of clusters that the update under way still has: `+n` in the version says how many. */
  #overlayEndpoints(): void {
    const newest = this.#newest?.types.get(EDS) ?? EMPTY_SET;
    const current = this.#current?.types.get(EDS) ?? EMPTY_SET;
    const only = current.version === newest.version ? [] : [...current.resources].filter(([name]) => !newest.resources.has(name));
    const version = `${newest.version}+${only.length}`;
    this.#endpoints = only.length === 0 ? newest : { version, resources: new Map([...newest.resources, ...only]) };
  }
}

function exhausted(message: string): RingwayError {
  return new RingwayError(message, { code: 'RESOURCE_EXHAUSTED' });
}
