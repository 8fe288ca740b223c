import { AdsSession, DELTA, type RequestOutcome, SOTW, type Variant } from '../../src/xds/protocol/index.ts';
import { type Snapshot, TYPE_URLS, type TypeUrl } from '../../src/xds/types.ts';
import { type SnapshotText, snapshotOf } from './snapshots.ts';

/** Type by short name; `other` is one that no server of ours has. */
export type ShortType = keyof typeof TYPE_URLS | 'other';

export const typeUrlOf = (short: ShortType): TypeUrl => (short === 'other' ? 'type.googleapis.com/example.Other' : TYPE_URLS[short]);
const shortOf = (typeUrl: TypeUrl): string => Object.entries(TYPE_URLS).find(([, url]) => url === typeUrl)?.[0] ?? 'other';

type Response = ReturnType<AdsSession<{ typeUrl: TypeUrl }>['next']>[number];

interface Extra {
  readonly nonce?: string;
  readonly error?: string;
}

/** A client that talks to a session without a wire; each call returns what the server then sends, one text a response. */
class Driver<Request extends { readonly typeUrl: TypeUrl }> {
  readonly session: AdsSession<Request>;
  nowMs = 1_000;
  outcome: RequestOutcome | undefined;
  /** Responses in the order they came, all of them. */
  readonly received: Response[] = [];
  #lastNonce = new Map<TypeUrl, string>();

  constructor(variant: Variant<Request>) {
    this.session = new AdsSession({ create: variant.create, ackTimeoutMs: 10_000 });
  }

  offer(snapshot: SnapshotText | Snapshot): string[] {
    this.session.offer('types' in snapshot ? snapshot : snapshotOf(snapshot));
    return this.drain();
  }

  /** Time passes; overdue answers are given up. */
  pass(ms: number): string[] {
    this.nowMs += ms;
    this.session.expire(this.nowMs);
    return this.drain();
  }

  request(request: Request): string[] {
    this.outcome = this.session.request(request, { monotonicMs: this.nowMs, unixMs: 1_795_000_000_000 + this.nowMs });
    return this.drain();
  }

  lastNonce(short: ShortType): string {
    return this.#lastNonce.get(typeUrlOf(short)) ?? '';
  }

  drain(): string[] {
    const responses = this.session.next(this.nowMs);
    this.received.push(...responses);
    for (const { typeUrl, nonce } of responses) this.#lastNonce.set(typeUrl, nonce);
    return responses.map(textOf);
  }
}

/** State of the world: `send` names the complete list; the nonce is the last one received unless given. */
export class SotwDriver extends Driver<ReturnType<(typeof SOTW)['decode']>> {
  constructor() {
    super(SOTW);
  }

  send(short: ShortType, names: readonly string[], extra: Extra = {}): string[] {
    const error = extra.error === undefined ? null : { code: 13, message: extra.error };
    return this.request({ typeUrl: typeUrlOf(short), names, nonce: extra.nonce ?? this.lastNonce(short), error, node: null });
  }
}

/** Delta: `send` names changes; without a nonce it is spontaneous. */
export class DeltaDriver extends Driver<ReturnType<(typeof DELTA)['decode']>> {
  constructor() {
    super(DELTA);
  }

  send(
    short: ShortType,
    subscribe: readonly string[],
    unsubscribe: readonly string[] = [],
    extra: Extra & { has?: Record<string, string> } = {},
  ): string[] {
    return this.request({
      typeUrl: typeUrlOf(short),
      subscribe,
      unsubscribe,
      initialVersions: new Map(Object.entries(extra.has ?? {})),
      nonce: extra.nonce ?? '',
      error: extra.error === undefined ? null : { code: 13, message: extra.error },
      node: null,
    });
  }

  ack(short: ShortType): string[] {
    return this.send(short, [], [], { nonce: this.lastNonce(short) });
  }

  nack(short: ShortType, error: string): string[] {
    return this.send(short, [], [], { nonce: this.lastNonce(short), error });
  }
}

/** `cluster a b -c`: type, what is sent, what is removed. */
function textOf({ typeUrl, resources, removed }: Response): string {
  return [shortOf(typeUrl), ...resources.map((resource) => resource.name), ...removed.map((name) => `-${name}`)].join(' ');
}
