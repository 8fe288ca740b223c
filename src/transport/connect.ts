import { connect as connectSocket, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type Clock, codeOf, formatHostPort, messageOf, RingwayError, startFairTimer } from '../core/index.ts';
import { directReader } from './direct-read.ts';
import type { TlsClient } from './tls-client.ts';
import { tlsError } from './tls-failure.ts';

export interface ConnectOptions {
  /** Literal IP; a name is resolved by the system. */
  readonly host: string;
  readonly port: number;
  /** For everything: a handshake, too, ends within it. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Source address; the system chooses unless given. */
  readonly localAddress?: string;
  /** Plain TCP unless given. */
  readonly tls?: { readonly client: TlsClient; readonly serverName: string };
}

/** Exactly one is called, once, and not before `connect` returned; neither after `cancel`. */
export interface ConnectEvents {
  /** `socket` has TCP_NODELAY and keepalive set; with `tls` it is a TLSSocket after its handshake. */
  onConnected(socket: Socket): void;
  /** `code`: CONNECT_REFUSED, CONNECT_TIMEOUT, CONNECT_UNREACHABLE, NAME_NOT_FOUND or CONNECT_FAILED; or a TlsError. */
  onFailed(error: RingwayError): void;
}

/** A connection attempt. */
export interface Connecting {
  /** Gives up; does nothing once the attempt is over. */
  cancel(): void;
}

/** Begins a connection. The socket hands its octets on without a Buffer a read to those who call `readChunks`. */
export function connect(options: ConnectOptions, events: ConnectEvents): Connecting {
  const { timeoutMs, clock, tls } = options;
  const socket = openSocket(options);
  const ready = tls ? 'secureConnect' : 'connect';
  let isOver = false;
  const end = (): void => {
    isOver = true;
    timer.cancel();
    socket.removeListener(ready, onConnect);
    socket.removeListener('error', onError);
    // Whoever gets the socket listens for errors; until then one must not end the process.
    socket.on('error', () => {});
  };
  const fail = (error: RingwayError): void => {
    end();
    socket.destroy();
    events.onFailed(error);
  };
  const onConnect = (): void => {
    const refusal = tls && socket instanceof TLSSocket ? tls.client.refusalOf(socket) : undefined;
    if (refusal) {
      fail(refusal);
      return;
    }
    end();
    events.onConnected(socket);
  };
  let isShaking = false;
  if (tls) {
    socket.once('connect', () => {
      isShaking = true;
    });
  }
  const onError = (error: Error): void => fail(isShaking ? tlsError(error) : connectError(error, options));
  const timer = startFairTimer(clock, timeoutMs, () => fail(timeoutError(options)));
  socket.once(ready, onConnect);
  socket.once('error', onError);
  return {
    cancel: () => {
      if (isOver) return;
      end();
      socket.destroy();
    },
  };
}

function openSocket({ host, port, localAddress, tls }: ConnectOptions): Socket {
  const reader = directReader();
  const options = {
    host,
    port,
    noDelay: true,
    keepAlive: true,
    onread: reader.onread,
    ...(localAddress === undefined ? {} : { localAddress }),
  };
  const socket = tls ? tls.client.open(options, tls.serverName) : connectSocket(options);
  reader.attach(socket);
  return socket;
}

const CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'CONNECT_REFUSED',
  ETIMEDOUT: 'CONNECT_TIMEOUT',
  EHOSTUNREACH: 'CONNECT_UNREACHABLE',
  ENETUNREACH: 'CONNECT_UNREACHABLE',
  ENOTFOUND: 'NAME_NOT_FOUND',
  EAI_AGAIN: 'NAME_NOT_FOUND',
};

function connectError(error: Error, target: ConnectOptions): RingwayError {
  const code = CODES[codeOf(error) ?? ''] ?? 'CONNECT_FAILED';
  return new RingwayError(`cannot connect to ${formatHostPort(target)}: ${messageOf(error)}`, { code, cause: error });
}

function timeoutError(target: ConnectOptions): RingwayError {
  return new RingwayError(`cannot connect to ${formatHostPort(target)}: no answer in ${target.timeoutMs} ms`, { code: 'CONNECT_TIMEOUT' });
}
