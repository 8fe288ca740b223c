import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { codeOf, formatHostPort, type HostPort, messageOf, RingwayError, type Service, type TimeSlices } from '../../core/index.ts';
import type { AdminPage } from './page.ts';
import { AdminRouter } from './router.ts';

/** Envoy sets these on every admin reply. */
const HEADERS = { 'cache-control': 'no-cache, max-age=0', 'x-content-type-options': 'nosniff', server: 'envoy' };

/** Characters that are written together. */
const PIECE = 16_384;

/** The admin interface. It knows no page: they are handed in. */
export interface AdminServer extends Service {
  /** host:port it is bound to (port 0 resolved); throws before `start`. */
  readonly address: string;
}

/** Builds the server; nothing is bound before `start`, which throws RingwayError `BIND`. */
export function createAdminServer(options: AdminServerOptions): AdminServer {
  return new HttpAdminServer(options);
}

interface AdminServerOptions {
  readonly listen: HostPort;
  readonly pages: readonly AdminPage[];
  /** Long replies are put together a slice at a time. */
  readonly slices: TimeSlices;
}

class HttpAdminServer implements AdminServer {
  readonly name = 'admin';
  readonly #listen: HostPort;
  readonly #router: AdminRouter;
  readonly #slices: TimeSlices;
  #server: Server | null = null;

  constructor({ listen, pages, slices }: AdminServerOptions) {
    this.#listen = listen;
    this.#router = new AdminRouter(pages);
    this.#slices = slices;
  }

  get address(): string {
    const bound = this.#server?.address() as AddressInfo | null | undefined;
    if (!bound) throw new Error('the admin server is not started');
    return formatHostPort({ host: bound.address, port: bound.port });
  }

  async start(): Promise<void> {
    if (this.#server) return;
    // 11 MB that a sidecar without admin pages does not pay for
    const { createServer } = await import('node:http');
    const server = createServer((request, response) => void this.#serve(request, response));
    await new Promise<void>((resolve, reject) => {
      // stays: a connection that cannot be accepted later is its client's loss and not the end of the process
      server.on('error', (error) => reject(this.#bindError(error)));
      server.listen({ ...this.#listen, exclusive: true }, resolve);
    });
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.parse(request.url ?? '/', 'http://admin');
    request.resume();
    const reply = await this.#router.reply({
      method: request.method ?? 'GET',
      path: url?.pathname ?? '',
      query: url?.searchParams ?? new URLSearchParams(),
    });
    response.writeHead(reply.status, { ...HEADERS, 'content-type': reply.contentType });
    if (typeof reply.body === 'string') response.end(reply.body);
    else await this.#send(response, reply.body).catch(() => response.destroy()); // cut off: its status has gone out
  }

  async #send(response: ServerResponse, body: Iterable<string>): Promise<void> {
    let waiting = '';
    for (const piece of body) {
      waiting += piece;
      if (waiting.length >= PIECE) {
        const isTaken = response.write(waiting);
        waiting = '';
        if (!isTaken) await drained(response);
      }
      if (response.destroyed) return;
      const pause = this.#slices.pause();
      if (pause !== null) await pause;
    }
    response.end(waiting);
  }

  #bindError(error: Error): RingwayError {
    const reason = codeOf(error) === 'EADDRINUSE' ? 'Address already in use' : messageOf(error);
    return new RingwayError(`admin: cannot bind '${formatHostPort(this.#listen)}': ${reason}`, { code: 'BIND', cause: error });
  }
}

/** Resolves when the reader has taken what waits, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
