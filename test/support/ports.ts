import { createServer, type Server } from 'node:net';

/** Ports of 127.0.0.1 that were free a moment ago, for programs that must be told theirs before they start. All different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  for (let i = 0; i < count; i += 1) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    servers.push(server);
  }
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/**
 * A port of 127.0.0.1 that stays free while nobody listens there: below those that kernels give to outgoing connections (32768 and up),
 * for servers that go away and come back under load.
 */
export async function lastingPort(): Promise<number> {
  for (let i = 0; ; i += 1) {
    const port = 20_000 + ((process.pid * 37 + i * 211) % 12_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
