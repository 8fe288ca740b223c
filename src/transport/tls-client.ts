import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type SecureContext, type TLSSocket } from 'node:tls';
import { type CertificatePins, secureContext, type TlsContextSettings } from './tls-context.ts';
import { pinError, type TlsError } from './tls-failure.ts';

/** The client's side of TLS. The chain of the server is verified when authorities are given; its name never is. */
export interface TlsClientSettings extends TlsContextSettings {
  /** Offered in order of preference; what the server makes of it is `alpnProtocol` of the socket. */
  readonly alpn: readonly string[];
  readonly pins: CertificatePins | null;
}

/** The client's side of TLS for connections that `connect` makes. */
export interface TlsClient {
  /** A socket that connects and shakes hands on its own (`secureConnect`). `serverName` is its SNI; '' or an address: none. */
  open(options: ConnectionOptions, serverName: string): TLSSocket;
  /** What is wrong with the server's certificate beyond what the handshake found. */
  refusalOf(socket: TLSSocket): TlsError | undefined;
}

/** Throws RingwayError TLS_MATERIAL. */
export function createTlsClient(settings: TlsClientSettings): TlsClient {
  const context: SecureContext = secureContext(settings);
  const { alpn, trustedCa, pins } = settings;
  const fixed: ConnectionOptions = {
    secureContext: context,
    rejectUnauthorized: trustedCa !== null,
    checkServerIdentity: () => undefined,
    ...(alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
  };
  return {
    open: (options, serverName) =>
      connect({ ...options, ...fixed, ...(serverName === '' || isIP(serverName) !== 0 ? {} : { servername: serverName }) }),
    refusalOf: (socket) => pinError(socket, pins),
  };
}
