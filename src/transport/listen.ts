import { createServer, type Server, type Socket } from 'node:net';
import { codeOf, formatHostPort, type HostPort, messageOf, RingwayError } from '../core/index.ts';

export interface ListenOptions {
  /** Literal IP; '0.0.0.0' or '::' for every address of the machine. A name is resolved once. */
  readonly host: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
  /** Connections that may wait to be accepted; Node's 511 unless given (the kernel caps it at somaxconn). */
  readonly backlog?: number;
  /** SO_REUSEPORT: other processes may listen on the same address and the kernel shares out the connections. Off. */
  readonly reusePort?: boolean;
  /** '::' takes IPv4 connections too (SocketAddress.ipv4_compat); off. */
  readonly ipv4Compat?: boolean;
}

export interface ListenEvents {
  /** `socket` has TCP_NODELAY and keepalive set. Attach an `error` listener before the next turn. */
  onSocket(socket: Socket): void;
  /** A connection could not be accepted (out of file descriptors); the server goes on. */
  onAcceptError(error: Error): void;
}

export interface BoundServer {
  /** Where it really listens: the chosen port, the address of a name. */
  readonly address: HostPort;
  /** Accepts no more; the port is free when it resolves. Accepted sockets stay open. */
  close(): Promise<void>;
}

/**
 * Listens. Rejects with RingwayError: PORT_IN_USE, ADDRESS_NOT_LOCAL, PORT_NOT_ALLOWED, ADDRESS_FAMILY_UNAVAILABLE, NAME_NOT_FOUND,
 * PORT_NOT_SHAREABLE (`reusePort` on macOS or Windows), or LISTEN_FAILED; the message names the address and what to do.
 */
export function listen(options: ListenOptions, events: ListenEvents): Promise<BoundServer> {
  const server = createServer({ noDelay: true, keepAlive: true, pauseOnConnect: false }, (socket) => events.onSocket(socket));
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, options)));
    server.listen(listenArguments(options), () => {
      server.removeAllListeners('error');
      server.on('error', (error) => events.onAcceptError(error));
      resolve(boundServer(server));
    });
  });
}

function listenArguments({ host, port, backlog, reusePort, ipv4Compat }: ListenOptions): Parameters<Server['listen']>[0] & object {
  return {
    host,
    port,
    ...(backlog === undefined ? {} : { backlog }),
    ...(reusePort === true ? { reusePort: true } : {}),
    ipv6Only: host.includes(':') && ipv4Compat !== true,
    exclusive: true,
  };
}

function boundServer(server: Server): BoundServer {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return {
    address: { host: address.address, port: address.port },
    // The port is free when `close` returns; its callback would wait for the connections too.
    close: async () => void server.close(),
  };
}

const REASONS: Readonly<Record<string, readonly [code: string, advice: string]>> = {
  EADDRINUSE: ['PORT_IN_USE', 'another process listens there; stop it or choose another port'],
  EADDRNOTAVAIL: ['ADDRESS_NOT_LOCAL', 'this machine has no such address; use one of its own, 127.0.0.1, or 0.0.0.0 for all'],
  EACCES: ['PORT_NOT_ALLOWED', 'this user may not bind it; choose a port from 1024 up'],
  EPERM: ['PORT_NOT_ALLOWED', 'this user may not bind it; choose a port from 1024 up'],
  EAFNOSUPPORT: ['ADDRESS_FAMILY_UNAVAILABLE', 'this machine does not speak that address family; use an IPv4 address'],
  ENOTFOUND: ['NAME_NOT_FOUND', 'the name does not resolve; use a literal IP address'],
  EAI_AGAIN: ['NAME_NOT_FOUND', 'the name does not resolve; use a literal IP address'],
  ENOTSUP: ['PORT_NOT_SHAREABLE', 'this system cannot share a port among processes; use one process'],
};

function listenError(error: Error, { host, port }: ListenOptions): RingwayError {
  const systemCode = codeOf(error) ?? '';
  const where = formatHostPort({ host, port });
  const [code, advice] = REASONS[systemCode] ?? ['LISTEN_FAILED', messageOf(error)];
  return new RingwayError(`cannot listen on ${where}: ${advice}${systemCode === '' ? '' : ` (${systemCode})`}`, { code, cause: error });
}
