/** What became of the attack. Each is at least as strict as the one before it. */
export type Outcome =
  | { readonly kind: 'forwarded' }
  /** Nothing of it is answered, the connection goes on. */
  | { readonly kind: 'ignored' }
  | { readonly kind: 'local reply'; readonly status: number }
  | { readonly kind: 'stream error'; readonly code: number }
  /** `goAway`: the code of the GOAWAY that came first. */
  | { readonly kind: 'closed'; readonly goAway?: number };

/** One attack and what is expected of it. The page docs/reference/abuse.md is made of the same table. */
export interface AbuseCase {
  readonly number: number;
  readonly name: string;
  /** What goes behind the client's preface and SETTINGS; `first octet`: in place of them. */
  readonly from?: 'first octet';
  readonly input: () => Buffer;
  /** Envoy 1.40 with its defaults. */
  readonly envoy: Outcome;
  readonly ringway: Outcome;
  /** Counter that goes up, as Envoy names it; `http.abuse` is the connection manager. `null`: none. */
  readonly counter: string | null;
  /** Envoy's codec may end it before Envoy itself counts. */
  readonly isCountedByEnvoy?: false;
  /** The limit it meets, if it is one. */
  readonly limit?: string;
  /** Why the two differ, if they do. */
  readonly why?: string;
  /** The attacker does not read before it has sent everything. */
  readonly isDeaf?: true;
  /** The stream that is looked at; null: none, only the connection matters. 1 unless given. */
  readonly stream?: number | null;
  /** The block or the stream is left open, so that a PING behind it would be an attack of its own. */
  readonly isUnfinished?: true;
  /** Memory is looked at afterwards. */
  readonly isFlood?: true;
}

const RANKS: Readonly<Record<Outcome['kind'], number>> = { forwarded: 0, ignored: 0, 'local reply': 1, 'stream error': 1, closed: 2 };

/** True when `ours` lets the attacker no further than `theirs`. */
export function isAsStrict(ours: Outcome, theirs: Outcome): boolean {
  return RANKS[ours.kind] >= RANKS[theirs.kind];
}

/** In the words of the page. */
export function describe(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'local reply':
      return `local reply ${outcome.status}`;
    case 'stream error':
      return `RST_STREAM(${outcome.code})`;
    case 'closed':
      return outcome.goAway === undefined ? 'closed' : `GOAWAY(${outcome.goAway}), closed`;
    default:
      return outcome.kind;
  }
}
