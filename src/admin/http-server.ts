import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, formatHostPort, type HostPort, listenProblem, RingwayError } from '../core/index.ts';

/** How long a client may take for its headers and for its whole request, ms: pages are small and clients are near. */
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 256;
/** How long `close` lets answers under way end, ms. */
const CLOSE_TIMEOUT_MS = 1_000;

/** A node:http server that is bound: with limits, and an end. */
export interface BoundServer {
  /** host:port; port 0 resolved. */
  readonly address: string;
  close(): Promise<void>;
}

/** Binds. Throws RingwayError `ADMIN_LISTEN` that names `name` and the address. */
export async function listenHttp(
  options: { readonly name: string; readonly listen: HostPort; readonly clock: Clock },
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<BoundServer> {
  const { name, listen, clock } = options;
  // 11 MB that a process without pages and probes does not pay for
  const { createServer } = await import('node:http');
  const server = createServer({
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('request', onRequest);
  await new Promise<void>((resolve, reject) => {
    // Stays: a connection that cannot be accepted later (no file descriptor left) is its client's loss and not the end of the process.
    server.on('error', (cause) => reject(new RingwayError(`${name}: ${listenProblem(listen, cause)}`, { code: 'ADMIN_LISTEN', cause })));
    server.listen(listen.port, listen.host === '' ? undefined : listen.host, resolve);
  });
  const bound = server.address() as AddressInfo;
  return { address: formatHostPort({ host: bound.address, port: bound.port }), close: () => close(server, clock) };
}

function close(server: Server, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(CLOSE_TIMEOUT_MS, () => server.closeAllConnections());
    server.close(() => {
      timer.cancel();
      resolve();
    });
    server.closeIdleConnections();
  });
}
