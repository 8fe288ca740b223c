import { createServer } from 'node:net';
import { formatHostPort, type HostPort, RingwayError } from '../core/index.ts';

/** Throws RingwayError `EADDRINUSE` that names the first address somebody else listens on, and the flag that helps. */
export async function assertFree(listeners: readonly { readonly who: string; readonly address: HostPort }[]): Promise<void> {
  for (const { who, address } of listeners) {
    const code = await tryListen(address);
    if (code === undefined) continue;
    const what = code === 'EADDRINUSE' ? 'is in use' : `cannot be listened on (${code})`;
    throw new RingwayError(
      `port ${address.port} of ${who} ${what}; choose others with --port-offset 10000 (tried ${formatHostPort(address)})`,
      { code },
    );
  }
}

function tryListen({ host, port }: HostPort): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}
