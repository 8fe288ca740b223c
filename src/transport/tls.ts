import { AsyncLocalStorage } from 'node:async_hooks';
import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { connect, createSecureContext, createServer, type SecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { codeOf, messageOf, RingwayError } from '../core/index.ts';

/** PEM texts. */
export interface TlsMaterial {
  /** Certificate chain, leaf first, and its private key: both or neither. */
  readonly certificate?: string;
  readonly privateKey?: string;
  /** Authorities that the peer's certificate must lead to; the system's for clients unless given. */
  readonly trustedCa?: string;
}

export interface TlsFiles {
  readonly certificate?: string;
  readonly privateKey?: string;
  readonly trustedCa?: string;
}

/** Reads the named files. Rejects with RingwayError TLS_FILE that names the one at fault. */
export async function readTlsFiles(files: TlsFiles): Promise<TlsMaterial> {
  const entries = Object.entries(files) as [keyof TlsFiles, string | undefined][];
  const texts = await Promise.all(
    entries.map(async ([kind, path]) => [kind, path === undefined ? undefined : await readPem(path)] as const),
  );
  return Object.fromEntries(texts.filter(([, text]) => text !== undefined));
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new RingwayError(`cannot read ${path}: ${messageOf(error)} (${codeOf(error) ?? 'no code'})`, { code: 'TLS_FILE', cause: error });
  }
}

/** A context of TLS 1.2 and up, for `offerTls`. Throws RingwayError TLS_MATERIAL when key and certificate do not fit, or are no PEM. */
export function createClientTlsContext(material: TlsMaterial): SecureContext {
  return withMaterial(() => createSecureContext(contextOptions(material)));
}

export interface ServerTlsOptions {
  /** Protocols in order of preference; a client that offers only others is refused. */
  readonly alpn: readonly string[];
  /** Refuses clients without a certificate that leads to `trustedCa`. */
  readonly requireClientCertificate: boolean;
  /** A handshake that takes longer is cut. */
  readonly handshakeTimeoutMs: number;
}

/** Server side of TLS for connections accepted elsewhere. */
export interface TlsAcceptor {
  /** Resolves after the handshake; `alpnProtocol` says what was agreed. Rejects with RingwayError TLS_HANDSHAKE, the socket destroyed. */
  accept(socket: Duplex): Promise<TLSSocket>;
  /** For handshakes from now on. Throws RingwayError TLS_MATERIAL, and goes on with what it had. */
  replaceMaterial(material: TlsMaterial): void;
}

interface Handshake {
  resolve(socket: TLSSocket): void;
  reject(error: RingwayError): void;
}

/** Throws RingwayError TLS_MATERIAL as `createClientTlsContext` does. */
export function createTlsAcceptor(material: TlsMaterial, options: ServerTlsOptions): TlsAcceptor {
  const { alpn, requireClientCertificate, handshakeTimeoutMs } = options;
  // A tls.Server that never listens: only there does Node check a client's certificate. Its events do not say which connection
  // they are about; the asynchronous context they run in does.
  const current = new AsyncLocalStorage<Handshake>();
  const server = withMaterial(() =>
    createServer({
      ...contextOptions(material),
      ALPNProtocols: [...alpn],
      requestCert: requireClientCertificate,
      rejectUnauthorized: requireClientCertificate,
      handshakeTimeout: handshakeTimeoutMs,
    }),
  );
  server.on('secureConnection', (socket) => current.getStore()?.resolve(socket));
  server.on('tlsClientError', (error, socket) => {
    socket.destroy();
    current.getStore()?.reject(handshakeError(error));
  });
  return {
    accept: (socket) =>
      new Promise((resolve, reject) => {
        socket.once('close', () => reject(handshakeError(new Error('the client closed the connection'))));
        current.run({ resolve, reject }, () => server.emit('connection', socket));
      }),
    replaceMaterial: (next) => withMaterial(() => server.setSecureContext(contextOptions(next))),
  };
}

export interface ClientTlsOptions {
  readonly context: SecureContext;
  readonly alpn: readonly string[];
  /** SNI, and the name that the server's certificate must have. */
  readonly serverName: string;
}

/** Client side of TLS over a connected socket. Resolves after the handshake and the check of certificate and name. Rejects with TLS_HANDSHAKE. */
export function offerTls(socket: Duplex, options: ClientTlsOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = connect({
      socket,
      secureContext: options.context,
      servername: options.serverName,
      host: options.serverName,
      ALPNProtocols: [...options.alpn],
    });
    const refuse = (error: unknown): void => {
      secured.destroy();
      reject(handshakeError(error));
    };
    const onClose = (): void => refuse(new Error('the server closed the connection'));
    secured.once('error', refuse);
    secured.once('close', onClose);
    secured.once('secureConnect', () => {
      secured.removeListener('error', refuse);
      secured.removeListener('close', onClose);
      // Whoever gets the socket listens for errors; until then one must not end the process.
      secured.on('error', () => {});
      resolve(secured);
    });
  });
}

function contextOptions({ certificate, privateKey, trustedCa }: TlsMaterial): SecureContextOptions {
  return {
    minVersion: 'TLSv1.2',
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(privateKey === undefined ? {} : { key: privateKey }),
    ...(trustedCa === undefined ? {} : { ca: trustedCa }),
  };
}

function withMaterial<T>(use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw new RingwayError(`unusable certificate, key or authority: ${messageOf(error)}`, { code: 'TLS_MATERIAL', cause: error });
  }
}

function handshakeError(error: unknown): RingwayError {
  return new RingwayError(`tls handshake failed: ${messageOf(error)}`, { code: 'TLS_HANDSHAKE', cause: error });
}
