import type { Duplex } from 'node:stream';
import type { Clock } from '../core/index.ts';

/** Ends our side behind what is written, and gives the peer `graceMs` to read it: a reset at once could overtake GOAWAY. */
export function endSocket(socket: Duplex, clock: Clock, graceMs: number): void {
  if (socket.destroyed) return;
  socket.end();
  const timer = clock.after(graceMs, () => socket.destroy());
  // Whatever still comes is dropped, so that the end of the peer's side is seen; the socket then destroys itself.
  socket.resume();
  socket.once('close', () => timer.cancel());
}
