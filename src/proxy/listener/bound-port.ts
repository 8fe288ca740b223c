import type { Socket } from 'node:net';
import { codeOf, formatHostPort, type HostPort, messageOf } from '../../core/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import type { BoundServer } from '../../transport/index.ts';
import { CompileError } from '../runtime/types.ts';
import type { Listen } from './deps.ts';

/** Envoy's words for why an address cannot be had. */
const REASONS: Readonly<Record<string, string>> = {
  PORT_IN_USE: 'Address already in use',
  ADDRESS_NOT_LOCAL: 'Cannot assign requested address',
  PORT_NOT_ALLOWED: 'Permission denied',
  ADDRESS_FAMILY_UNAVAILABLE: 'Address family not supported by protocol',
  PORT_NOT_SHAREABLE: 'this system cannot share a port among processes: use --concurrency 1',
};

/** Who takes the connections of a port. */
export interface PortUser {
  onSocket(socket: Socket): void;
}

/**
 * A listening socket that outlives the listeners on it: an update hands it over, so that nobody is refused meanwhile. Connections that
 * come before anybody serves wait.
 */
export class BoundPort {
  readonly #server: BoundServer;
  readonly #users = new Set<PortUser>();
  readonly #waiting: Socket[];
  #target: PortUser | null = null;

  private constructor(server: BoundServer, waiting: Socket[]) {
    this.#server = server;
    this.#waiting = waiting;
  }

  /** Rejects with CompileError: the text is the refusal of the listener. */
  static async open(address: HostPort, backlog: number | null, listen: Listen, logger: Logger): Promise<BoundPort> {
    const waiting: Socket[] = [];
    let port: BoundPort | undefined;
    try {
      const server = await listen(
        { ...address, ...(backlog === null ? {} : { backlog }) },
        {
          onSocket: (socket) => {
            socket.on('error', () => {});
            if (port) port.#onSocket(socket);
            else waiting.push(socket);
          },
          onAcceptError: (error) => logger.warn('listener.accept_failed', { address: formatHostPort(address) }, messageOf(error)),
        },
      );
      port = new BoundPort(server, waiting);
      return port;
    } catch (error) {
      throw new CompileError('', `cannot bind '${formatHostPort(address)}': ${REASONS[codeOf(error) ?? ''] ?? messageOf(error)}`);
    }
  }

  /** Where it really listens. */
  get address(): HostPort {
    return this.#server.address;
  }

  /** Keeps it open until `release` by the same user. */
  use(user: PortUser): void {
    this.#users.add(user);
  }

  /** Whether it is open for this user. */
  isUsedBy(user: PortUser): boolean {
    return this.#users.has(user);
  }

  /** From now on connections are `user`'s, those that waited first. */
  serve(user: PortUser): void {
    this.#target = user;
    for (const socket of this.#waiting.splice(0)) if (!socket.destroyed) user.onSocket(socket);
  }

  /** Closes the port when nobody uses it any more; resolves when that is done, at once when others go on. */
  async release(user: PortUser): Promise<void> {
    if (!this.#users.delete(user)) return;
    if (this.#target === user) this.#target = null;
    if (this.#users.size > 0) return;
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    await this.#server.close();
  }

  #onSocket(socket: Socket): void {
    if (this.#target) this.#target.onSocket(socket);
    else this.#waiting.push(socket);
  }
}
