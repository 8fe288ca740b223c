import type { Duplex } from 'node:stream';
import type { Clock } from '../../../core/index.ts';

const REQUEST_LINE = /^[A-Z]{1,20} /;
/** The peer gets this long to read the answer (Envoy's delayed_close_timeout). */
const CLOSE_GRACE_MS = 1000;

/** Answers what is not HTTP/2 and closes: 426 to what begins as an HTTP/1 request, 400 to anything else. The body says what to do. */
export function answerHttp1(socket: Duplex, first: Buffer, clock: Clock): void {
  const isRequest = REQUEST_LINE.test(first.subarray(0, 32).toString('latin1'));
  const [status, upgrade, body] = isRequest
    ? ['426 Upgrade Required', 'upgrade: h2c\r\nconnection: close, upgrade', 'this listener speaks HTTP/2 only (prior knowledge)\n']
    : ['400 Bad Request', 'connection: close', 'neither HTTP/2 nor HTTP/1\n'];
  const timer = clock.after(CLOSE_GRACE_MS, () => socket.destroy());
  socket.once('close', () => timer.cancel());
  // what else it sends is dropped: a reset in answer to unread bytes could overtake the response
  socket.resume();
  socket.end(`HTTP/1.1 ${status}\r\n${upgrade}\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
}
