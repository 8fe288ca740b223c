import { connect as connectSocket, type Socket } from 'node:net';
import { type Clock, codeOf, formatHostPort, messageOf, RingwayError } from '../core/index.ts';
import { directReader } from './direct-read.ts';

export interface ConnectOptions {
  /** Literal IP; a name is resolved by the system. */
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Source address; the system chooses unless given. */
  readonly localAddress?: string;
}

/** Exactly one is called, once, and not before `connect` returned; neither after `cancel`. */
export interface ConnectEvents {
  /** `socket` has TCP_NODELAY and keepalive set. */
  onConnected(socket: Socket): void;
  /** `code`: CONNECT_REFUSED, CONNECT_TIMEOUT, CONNECT_UNREACHABLE, NAME_NOT_FOUND or CONNECT_FAILED. */
  onFailed(error: RingwayError): void;
}

/** A connection attempt. */
export interface Connecting {
  /** Gives up; does nothing once the attempt is over. */
  cancel(): void;
}

/** Begins a TCP connection. The socket hands its octets on without a Buffer a read to those who call `readDirectly`. */
export function connect(options: ConnectOptions, events: ConnectEvents): Connecting {
  const { host, port, timeoutMs, clock, localAddress } = options;
  const reader = directReader();
  const socket = connectSocket({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    onread: reader.onread,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  reader.attach(socket);
  const end = (): void => {
    timer.cancel();
    socket.removeListener('connect', onConnect);
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
    end();
    events.onConnected(socket);
  };
  const onError = (error: Error): void => fail(connectError(error, options));
  const timer = clock.after(timeoutMs, () => fail(timeoutError(options)));
  socket.once('connect', onConnect);
  socket.once('error', onError);
  return {
    cancel: () => {
      if (!socket.connecting) return;
      end();
      socket.destroy();
    },
  };
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
