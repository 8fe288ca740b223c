/** What JetStream says about a message that it delivers, in the subject for its acknowledgement. */
export interface Delivery {
  /** Which message of the stream. */
  readonly revision: number;
  /** Which message of this consumer: 1, 2, 3, … */
  readonly sequence: number;
  /** When it was stored, Unix ms of the server's clock. */
  readonly storedMs: number;
  /** How many are still to come. */
  readonly pending: number;
}

/** Tokens of `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns>.<pending>`; with a domain and an account two more stand in front (ADR-15 of NATS). */
const PLAIN_TOKENS = 9;
const DOMAIN_TOKENS = 11;
const NS_DIGITS = 6;

/** Null when it is not such a subject. */
export function parseDelivery(reply: string | undefined): Delivery | null {
  const tokens = (reply ?? '').split('.');
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length === PLAIN_TOKENS + 1 || tokens.length < PLAIN_TOKENS) return null;
  const [revision = '', sequence = '', ns = '', pending = ''] = tokens.slice(tokens.length === PLAIN_TOKENS ? 5 : DOMAIN_TOKENS - 4);
  if (![revision, sequence, ns, pending].every((text) => /^\d{1,20}$/.test(text))) return null;
  return { revision: Number(revision), sequence: Number(sequence), storedMs: Number(ns.slice(0, -NS_DIGITS)), pending: Number(pending) };
}
