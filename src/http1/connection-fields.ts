// Fields that are between two neighbours only (RFC 9110 §7.6.1), and what `connection` says of others.

/** Never passed on, whether `connection` names them or not. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Whoever has these taken away changes what the request means to those behind us: such a request is refused. */
const PROTECTED: ReadonlySet<string> = new Set([
  'host',
  'cookie',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-request-id',
]);

/** More names in `connection` than anybody needs. */
const MAX_NOMINATED = 10;

/** What the `connection` fields of one message say. */
export interface ConnectionFields {
  /** `close`: nothing follows on this connection. */
  readonly closes: boolean;
  /** `upgrade` stands there. */
  readonly upgrades: boolean;
  /** A field is named that may not be taken away, or too many are. */
  readonly isRejected: boolean;
  /** True for a field that must not be passed on. */
  isDropped(name: string): boolean;
}

const NONE: ConnectionFields = { closes: false, upgrades: false, isRejected: false, isDropped: (name) => HOP_BY_HOP.has(name) };

/** `values`: of every `connection` field. */
export function readConnectionFields(values: readonly string[]): ConnectionFields {
  if (values.length === 0) return NONE;
  const tokens = new Set(listOf(values));
  return {
    closes: tokens.has('close'),
    upgrades: tokens.has('upgrade'),
    isRejected: tokens.size > MAX_NOMINATED || [...tokens].some((token) => PROTECTED.has(token) || token.startsWith(':')),
    // te is named there as a rule, and passed on when it says trailers
    isDropped: (name) => HOP_BY_HOP.has(name) || (tokens.has(name) && name !== 'te'),
  };
}

/** The members of list-valued fields, in lower case. */
function listOf(values: readonly string[]): string[] {
  return values.flatMap((value) => value.toLowerCase().split(',')).map((token) => token.trim());
}

/** RFC 9110 §10.1.4: of `te` only `trailers` means anything to those behind a proxy. */
export function allowsTrailers(te: string): boolean {
  return listOf([te]).some((coding) => coding.split(';')[0]?.trim() === 'trailers');
}
