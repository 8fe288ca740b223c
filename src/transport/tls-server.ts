import { AsyncLocalStorage } from 'node:async_hooks';
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Clock, Timer } from '../core/index.ts';
import type { Connecting } from './connect.ts';
import { type CertificatePins, contextOptions, type TlsContextSettings, withMaterial } from './tls-context.ts';
import { noCertificate, pinError, TlsError, tlsError, untrusted } from './tls-failure.ts';

/** The server's side of TLS. */
export interface TlsServerSettings extends TlsContextSettings {
  /** Protocols in order of preference. A client that offers only others is refused (RFC 7301 §3.2), one that offers none is not. */
  readonly alpn: readonly string[];
  /** `asked`: a client may go without; one that it shows must be good. */
  readonly clientCertificate: 'ignored' | 'asked' | 'required';
  readonly pins: CertificatePins | null;
  /** Session tickets, by which a client may resume with half a handshake, and for how long in s; null: 7200, OpenSSL's. */
  readonly tickets: { readonly state: 'none' } | { readonly state: 'given'; readonly lifetimeS: number | null };
  /** The client's order of ciphers instead of ours. */
  readonly prefersClientCiphers: boolean;
}

/** Exactly one is called, once, and not before `accept` returned; neither after `cancel`. */
export interface TlsAcceptEvents {
  /** `socket` is the secured one, its octets not read yet. */
  onSecured(socket: TLSSocket): void;
  /** The socket is destroyed. */
  onFailed(error: TlsError): void;
}

/** Server side of TLS for connections accepted elsewhere. */
export interface TlsServer {
  /** Begins a handshake, which is cut after `timeoutMs` as a whole, however busy the client keeps it. */
  accept(socket: Socket, timeoutMs: number, clock: Clock, events: TlsAcceptEvents): Connecting;
}

/** Throws RingwayError TLS_MATERIAL. */
export function createTlsServer(settings: TlsServerSettings): TlsServer {
  return new Acceptor(settings);
}

/** A tls.Server that never listens: only there does Node check a client's certificate. */
class Acceptor implements TlsServer {
  readonly #settings: TlsServerSettings;
  readonly #server: Server;
  /** The server's events do not say which connection they are about; the asynchronous context they run in does. */
  readonly #current = new AsyncLocalStorage<Handshake>();

  constructor(settings: TlsServerSettings) {
    this.#settings = settings;
    this.#server = withMaterial(() => createServer(serverOptions(settings)));
    this.#server.on('secureConnection', (socket) => this.#current.getStore()?.secured(socket, this.#refusalOf(socket)));
    this.#server.on('tlsClientError', (error, socket) => {
      const handshake = this.#current.getStore();
      if (handshake) handshake.failed(tlsError(error));
      else socket.destroy();
    });
  }

  accept(socket: Socket, timeoutMs: number, clock: Clock, events: TlsAcceptEvents): Connecting {
    const handshake = new Handshake(socket, timeoutMs, clock, events);
    this.#current.run(handshake, () => this.#server.emit('connection', socket));
    return handshake;
  }

  #refusalOf(socket: TLSSocket): TlsError | undefined {
    const { clientCertificate, trustedCa, pins } = this.#settings;
    if (clientCertificate === 'ignored') return undefined;
    if (socket.getPeerX509Certificate() === undefined) return clientCertificate === 'required' ? noCertificate() : undefined;
    if (trustedCa !== null && !socket.authorized) return untrusted(socket.authorizationError ?? 'not verified');
    return pinError(socket, pins);
  }
}

/** One handshake. It forgets everything when it is over: whatever its connection starts later runs in its context. */
class Handshake implements Connecting {
  #pending: { readonly socket: Socket; readonly events: TlsAcceptEvents; readonly timer: Timer } | undefined;

  constructor(socket: Socket, timeoutMs: number, clock: Clock, events: TlsAcceptEvents) {
    const timer = clock.after(timeoutMs, () => this.failed(new TlsError('TLS_TIMEOUT', `no handshake in ${timeoutMs} ms`)));
    this.#pending = { socket, events, timer };
    socket.once('close', this.#onClose);
  }

  secured(secured: TLSSocket, refusal: TlsError | undefined): void {
    if (refusal) {
      this.failed(refusal);
      return;
    }
    const pending = this.#end();
    if (!pending) return;
    // Whoever gets the socket listens for errors; until then one must not end the process.
    secured.on('error', () => {});
    pending.events.onSecured(secured);
  }

  failed(error: TlsError): void {
    const pending = this.#end();
    if (!pending) return;
    // What was written goes out first: an alert, if OpenSSL has found the fault.
    pending.socket.destroySoon();
    pending.events.onFailed(error);
  }

  cancel(): void {
    this.#end()?.socket.destroy();
  }

  /** Why it closed is said a moment later, if at all. */
  readonly #onClose = (): void => void setImmediate(() => this.failed(new TlsError('TLS_CLOSED', 'the peer closed the connection')));

  #end(): { readonly socket: Socket; readonly events: TlsAcceptEvents } | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.timer.cancel();
    pending?.socket.off('close', this.#onClose);
    return pending;
  }
}

function serverOptions(settings: TlsServerSettings): TlsOptions {
  const { alpn, clientCertificate, tickets } = settings;
  return {
    ...contextOptions(settings),
    ...(alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
    requestCert: clientCertificate !== 'ignored',
    // Refused below: what Node refuses by itself it closes without saying why, nor which connection it was.
    rejectUnauthorized: false,
    honorCipherOrder: !settings.prefersClientCiphers,
    // What a handshake found out stays true for as long as the connection lasts.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | (tickets.state === 'none' ? constants.SSL_OP_NO_TICKET : 0),
    ...(tickets.state === 'given' && tickets.lifetimeS !== null ? { sessionTimeout: tickets.lifetimeS } : {}),
  };
}
