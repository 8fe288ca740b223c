import { createConnection } from 'node:net';
import { type Clock, codeOf, messageOf, parseHostPort } from '../core/index.ts';

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no way to that host',
  ENETUNREACH: 'no way to that network',
  ENOTFOUND: 'unknown host name',
  EAI_AGAIN: 'the name server does not answer',
};

/** Opens a TCP connection to `address` and closes it again. Resolves with null when that worked, else with why not. Never rejects. */
export function probePort(address: string, timeoutMs: number, clock: Clock): Promise<string | null> {
  const { host, port } = parseHostPort(address);
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const done = (reason: string | null): void => {
      timer.cancel();
      socket.destroy();
      resolve(reason);
    };
    const timer = clock.after(timeoutMs, () => done(`no answer within ${timeoutMs} ms`), { keepAlive: true });
    socket.once('connect', () => done(null));
    socket.once('error', (error) => done(REASONS[codeOf(error) ?? ''] ?? messageOf(error)));
  });
}
