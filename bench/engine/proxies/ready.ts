import { connect } from 'node:net';
import type { Pinned } from '../process.ts';

const PATIENCE_MS = 20_000;

/** Resolves with the milliseconds until /ready of an admin address says LIVE. Throws with the program's words when it ends first. */
export function live(program: Pinned, address: string): Promise<number> {
  return until(program, async () => {
    const response = await fetch(`http://${address}/ready`, { headers: { connection: 'close' } });
    return (await response.text()).trim() === 'LIVE';
  });
}

/** Resolves with the milliseconds until a port takes connections. */
export function listening(program: Pinned, port: number): Promise<number> {
  return until(
    program,
    () =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
        socket.once('connect', () => socket.destroy());
      }),
  );
}

/** Asks again and again: a foreign process has no event for it. */
async function until(program: Pinned, ask: () => Promise<boolean>): Promise<number> {
  const deadline = program.startedMs + PATIENCE_MS;
  while (program.child.exitCode === null && program.child.signalCode === null) {
    if (await ask().catch(() => false)) return performance.now() - program.startedMs;
    if (performance.now() > deadline) throw new Error(`not ready after ${PATIENCE_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`ended before it was ready: ${program.complaints()}`);
}
