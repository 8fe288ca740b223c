import type { AddressInfo, Server } from 'node:net';
import { type HostPort, listenProblem, RingwayError } from '../core/index.ts';

/** Binds a server. Resolves with the address it has then (port 0: a free one). Throws RingwayError `EADDRINUSE` and the like. */
export function bind(server: Server, address: HostPort): Promise<HostPort> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new RingwayError(listenProblem(address, error), { code: error.code ?? 'LISTEN', cause: error }));
    });
    server.listen(address.port, address.host, () => {
      const bound = server.address() as AddressInfo;
      resolve({ host: bound.address, port: bound.port });
    });
  });
}
