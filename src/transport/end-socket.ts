import type { Duplex } from 'node:stream';
import type { Clock } from '../core/index.ts';

/**
 * Ends our side behind what is written, and gives the peer `graceMs` to read it (Envoy's delayed_close_timeout): a reset at once could
 * overtake what was said last. While more than that waits in the socket the time begins anew with each look that finds some of it gone.
 */
export function endSocket(socket: Duplex, clock: Clock, graceMs: number): void {
  if (socket.destroyed) return;
  socket.end();
  let waiting = socket.writableLength;
  const look = (): void => {
    const before = waiting;
    waiting = socket.writableLength;
    if (waiting > 0 && waiting < before) timer = clock.after(graceMs, look);
    else socket.destroy();
  };
  let timer = clock.after(graceMs, look);
  // Whatever still comes is dropped, so that the end of the peer's side is seen; the socket then destroys itself.
  socket.resume();
  socket.once('close', () => timer.cancel());
}
