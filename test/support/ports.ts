import { createServer } from 'node:net';

/**
 * Ports below those that kernels give to outgoing connections (32768 and up), so that they stay free until the program that is told to
 * listen there does, and while a server that comes back is away. Processes begin at different places.
 */
const FIRST = 12_000;
const COUNT = 20_000;
let next = (process.pid * 97) % COUNT;

/** Ports of 127.0.0.1 that nobody listens on. All different, also from call to call. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST + next;
    next = (next + 1) % COUNT;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/** One of them. */
export async function freePort(): Promise<number> {
  return (await freePorts(1))[0] as number;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
