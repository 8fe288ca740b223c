import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { codeOf, messageOf, RingwayError } from '../core/index.ts';
import type { CertificatePins } from './tls-context.ts';

/**
 * Why a handshake failed. TLS_CLOSED: the peer went away. TLS_NO_CERTIFICATE: it showed none. TLS_UNTRUSTED: its chain does not verify.
 * TLS_PINNED: no pin matches. TLS_TIMEOUT: it took too long. TLS_PROTOCOL: anything else, refusals by the peer among them.
 */
export type TlsFailureCode = 'TLS_CLOSED' | 'TLS_NO_CERTIFICATE' | 'TLS_UNTRUSTED' | 'TLS_PINNED' | 'TLS_TIMEOUT' | 'TLS_PROTOCOL';

/** A handshake that failed. The message has the form of Envoy's transport failure reasons: `TLS_error:|…:TLS_error_end`. */
export class TlsError extends RingwayError {
  declare readonly code: TlsFailureCode;

  constructor(code: TlsFailureCode, reason: string, cause?: unknown) {
    super(`TLS_error:|${reason}:TLS_error_end`, { code, cause });
  }
}

const CLOSED = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED']);
const LIBRARY = 'SSL routines';

/** From what Node says of a failed handshake. */
export function tlsError(error: unknown): TlsError {
  const code = codeOf(error) ?? '';
  if (CLOSED.has(code)) return new TlsError('TLS_CLOSED', 'the peer closed the connection', error);
  const reason = reasonOf(error);
  // what a client's own verification finds has a code of X.509, and no reason of the SSL library
  if (reason === '' && !code.startsWith('ERR_')) return untrusted(error);
  return new TlsError('TLS_PROTOCOL', `${LIBRARY}:${reason || messageOf(error)}`, error);
}

function reasonOf(error: unknown): string {
  const reason = typeof error === 'object' && error !== null && 'reason' in error ? error.reason : undefined;
  return typeof reason === 'string' ? reason.toUpperCase().replaceAll(' ', '_') : '';
}

/** `why`: what verification found. */
export function untrusted(why: unknown): TlsError {
  return new TlsError('TLS_UNTRUSTED', `${LIBRARY}:CERTIFICATE_VERIFY_FAILED:${messageOf(why)}`);
}

export function noCertificate(): TlsError {
  return new TlsError('TLS_NO_CERTIFICATE', `${LIBRARY}:PEER_DID_NOT_RETURN_A_CERTIFICATE`);
}

/** The error when the peer's leaf matches none of the pins; undefined when one does, or when there are none. */
export function pinError(socket: TLSSocket, pins: CertificatePins | null): TlsError | undefined {
  if (pins === null) return undefined;
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return noCertificate();
  if (pins.certificates.has(leaf.fingerprint256.replaceAll(':', '').toLowerCase())) return undefined;
  const publicKey = leaf.publicKey.export({ type: 'spki', format: 'der' });
  if (pins.publicKeys.has(createHash('sha256').update(publicKey).digest('base64'))) return undefined;
  return new TlsError('TLS_PINNED', `${LIBRARY}:CERTIFICATE_VERIFY_FAILED:certificate matches neither hash nor public key`);
}
