import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

/** Whether a connection is TLS, told without loading what makes TLS: a sidecar of plain connections never does (8 MiB). */
export function isTlsSocket(socket: Duplex): socket is TLSSocket {
  return 'encrypted' in socket;
}
