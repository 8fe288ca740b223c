import { RingwayError } from '../../core/index.ts';

/** Why a lookup has no answer. */
export type DnsErrorCode =
  /** There is no such name (NXDOMAIN). */
  | 'DNS_NO_SUCH_NAME'
  /** The name has no record of the kind (NODATA, RFC 2308 §2.2), or its SRV says that there is no such service. */
  | 'DNS_NO_RECORDS'
  /** Nobody said either: no answer, SERVFAIL, REFUSED, garbage, or the lookup was stopped. */
  | 'DNS_FAILED'
  /** What was asked for is no name. */
  | 'DNS_BAD_NAME';

/** A lookup without an answer. */
export class DnsError extends RingwayError {
  declare readonly code: DnsErrorCode;
  /** How long a negative answer may be believed (RFC 2308 §5), ms; null when the server does not say, and with DNS_FAILED. */
  readonly ttlMs: number | null;

  constructor(message: string, details: { readonly code: DnsErrorCode; readonly ttlMs?: number | null; readonly cause?: unknown }) {
    super(message, details);
    this.ttlMs = details.ttlMs ?? null;
  }

  /** Whether DNS said that there is nothing, rather than said nothing. */
  get isNegative(): boolean {
    return this.code === 'DNS_NO_SUCH_NAME' || this.code === 'DNS_NO_RECORDS';
  }
}
