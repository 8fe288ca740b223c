import { RingwayError, type Timer } from '../core/index.ts';
import { ErrorCode, errorCodeName } from './protocol.ts';

/** How a connection's life goes. */
export type State =
  | { readonly kind: 'open' }
  /** GOAWAY came: no new streams of ours, those open go on. */
  | { readonly kind: 'leaving'; readonly code: number; readonly debug: string }
  /** We drain. `lastStreamId` is known once the peer cannot have sent a stream before it read our announcement. */
  | { readonly kind: 'draining'; readonly lastStreamId: number | undefined; readonly timer: Timer }
  | { readonly kind: 'closed' };

export const OPEN: State = { kind: 'open' };
export const CLOSED: State = { kind: 'closed' };

/** What was lost when the peer ended the socket in `state` with so many streams open; undefined: nothing. */
export function lossOf(state: State, activeStreams: number): RingwayError | undefined {
  if (state.kind === 'leaving' && state.code !== ErrorCode.NO_ERROR) {
    return new RingwayError(goAwayText(state.code, state.debug), { code: 'HTTP2_GOAWAY' });
  }
  if (activeStreams === 0) return undefined;
  return new RingwayError(`peer closed the connection with ${activeStreams} streams open`, { code: 'HTTP2_CONNECTION_LOST' });
}

function goAwayText(code: number, debug: string): string {
  return `peer closed the connection with GOAWAY ${errorCodeName(code)}${debug === '' ? '' : ` "${debug}"`}`;
}
