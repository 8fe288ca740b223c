// What can go wrong with NATS, in our words.
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { messageOf, RingwayError } from '../../../core/index.ts';

/** Anything thrown by the client, as RingwayError `BUS_REFUSED` or `BUS_UNAVAILABLE`. `what` begins the message. */
export function busError(error: unknown, what: string): RingwayError {
  if (error instanceof RingwayError) return error;
  const cause = rootOf(error);
  if (cause instanceof errors.PermissionViolationError) {
    const may = cause.operation === 'publish' ? 'publish to' : 'subscribe to';
    return refused(`${what}: the login may not ${may} "${cause.subject}"`, error);
  }
  if (cause instanceof errors.AuthorizationError || cause instanceof errors.UserAuthenticationExpiredError)
    return refused(`${what}: the login is refused: ${inOneLine(cause)}`, error);
  if (cause instanceof JetStreamApiError) {
    const isOurs = cause.status === 400 || cause.status === 403;
    return isOurs ? refused(`${what}: ${inOneLine(cause)}`, error) : unavailable(`${what}: ${inOneLine(cause)}`, error);
  }
  if (cause instanceof errors.TimeoutError) return unavailable(`${what}: no answer in time`, error);
  if (cause instanceof errors.NoRespondersError)
    return unavailable(`${what}: nobody answers "${cause.subject}": no such bucket, no right to it, or no JetStream`, error);
  return unavailable(`${what}: ${inOneLine(cause)}`, error);
}

/** Try again. */
export function unavailable(message: string, cause?: unknown): RingwayError {
  return new RingwayError(message, { code: 'BUS_UNAVAILABLE', cause });
}

/** Trying again does not help. */
export function refused(message: string, cause?: unknown): RingwayError {
  return new RingwayError(message, { code: 'BUS_REFUSED', cause });
}

/** The connection went away under the request: another one may answer it. */
export function isConnectionLoss(error: unknown): boolean {
  const cause = rootOf(error);
  if (cause instanceof errors.ClosedConnectionError || cause instanceof errors.DrainingConnectionError) return true;
  return cause instanceof errors.RequestError && /^connection (closed|disconnected)$/.test(cause.message);
}

/** The revision that a compare-and-set found: 0 when there is none, null when the server does not tell; undefined when it was another error. */
export function conflictOf(error: unknown): number | null | undefined {
  const cause = rootOf(error);
  if (!(cause instanceof JetStreamApiError)) return undefined;
  if (cause.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown) return null;
  if (cause.code !== JetStreamApiCodes.StreamWrongLastSequence) return undefined;
  const sequence = /(\d+)$/.exec(cause.message)?.[1];
  return sequence === undefined ? null : Number(sequence);
}

export function isNoSuchStream(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}

/** The client wraps what the server said. */
function rootOf(error: unknown): unknown {
  const wraps = error instanceof errors.RequestError || (error instanceof Error && error.name === 'JetStreamNotEnabled');
  return wraps && error.cause instanceof Error ? rootOf(error.cause) : error;
}

function inOneLine(error: unknown): string {
  return messageOf(error)
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .slice(0, 300);
}
