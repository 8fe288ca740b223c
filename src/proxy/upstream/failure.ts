import { codeOf, type RingwayError } from '../../core/index.ts';
import { ErrorCode } from '../../http2/index.ts';
import type { StreamReset } from '../../http2/types.ts';
import { TlsError } from '../../transport/index.ts';
import type { ResponseFlag } from '../access-log/index.ts';
import type { PoolFailure } from '../cluster/types.ts';

/** Why a try ended without a whole response. The words are Envoy's (`reset reason: …`). */
export type TryFailure =
  | PoolFailure
  | 'connection termination'
  | 'remote reset'
  | 'remote refused stream reset'
  | 'protocol error'
  | 'local reset';

const FLAGS: Readonly<Record<TryFailure, ResponseFlag>> = {
  'remote connection failure': 'UF',
  'connection timeout': 'UF',
  overflow: 'UO',
  'connection termination': 'UC',
  'remote reset': 'UR',
  'remote refused stream reset': 'UR',
  'protocol error': 'UPE',
  'local reset': 'LR',
};

/** The HTTP status it is answered and counted with; Envoy blames the upstream for what is no response. */
export function statusOf(failure: TryFailure): 502 | 503 {
  return failure === 'protocol error' ? 502 : 503;
}

export function flagOf(failure: TryFailure): ResponseFlag {
  return FLAGS[failure];
}

/** `upstream_reset_before_response_started{remote_reset}`, the form of %RESPONSE_CODE_DETAILS%; `reason`: as of `transportReason`. */
export function detailsOf(failure: TryFailure, when: 'before' | 'after', reason: string = ''): string {
  const what = failure.replaceAll(' ', '_');
  return `upstream_reset_${when}_response_started{${reason === '' ? what : `${what}|${reason}`}}`;
}

/** What the system says of a connection that did not come about, in the C library's words, as Envoy logs it. */
const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection_refused',
  ECONNRESET: 'Connection_reset_by_peer',
  EHOSTUNREACH: 'No_route_to_host',
  ENETUNREACH: 'Network_is_unreachable',
  ETIMEDOUT: 'Connection_timed_out',
};

/** %UPSTREAM_TRANSPORT_FAILURE_REASON% of a connection that failed; '' when there is no more to say than that. Without white space. */
export function transportReason(error: RingwayError): string {
  if (error instanceof TlsError) return error.code === 'TLS_CLOSED' ? '' : error.message.replaceAll(' ', '_');
  const code = codeOf(error.cause) ?? '';
  const words = SYSTEM_WORDS[code] ?? code;
  return words === '' ? '' : `delayed_connect_error:_${words}`;
}

/** The text a caller gets when no response came. */
export function failureText(failure: TryFailure, wasRetried: boolean): string {
  const reason = wasRetried ? 'retried and the latest reset reason' : 'reset reason';
  return `upstream connect error or disconnect/reset before headers. ${reason}: ${failure}`;
}

/** What a stream's early end means. */
export function failureOf({ code, origin }: StreamReset): TryFailure {
  if (origin === 'refused' || code === ErrorCode.REFUSED_STREAM) return 'remote refused stream reset';
  if (origin === 'connection') return 'connection termination';
  // a header list beyond the limits: Envoy calls it so
  if (origin === 'local' && code === ErrorCode.INTERNAL_ERROR) return 'remote reset';
  // what waited for an upstream that does not read was too much for all together
  if (origin === 'local' && code === ErrorCode.ENHANCE_YOUR_CALM) return 'overflow';
  if (origin === 'local' || code === ErrorCode.PROTOCOL_ERROR) return 'protocol error';
  return 'remote reset';
}
