import { findField, headerBlock } from '../../src/http2/index.ts';
import type { Http2Stream, StreamHandler } from '../../src/http2/types.ts';
import { type EchoServer, startEchoServer } from '../support/http2-echo.ts';

const ANSWER = headerBlock([
  [':status', '200'],
  ['x-upstream', 'yes'],
]);
const TRAILERS = headerBlock([['grpc-status', '0']]);
const PIECE = Buffer.alloc(65_536, 'x');
const PIECES: Readonly<Record<string, number>> = { '/piece': 1, '/large': 64, '/16MiB': 256 };

/** An upstream that minds no resets and holds little. It answers a whole request, `/piece` with 64 KiB, `/large` with 4 MiB, `/16MiB` with as many. */
export function startPatientUpstream(): Promise<EchoServer> {
  return startEchoServer({ maxPrematureResets: 1e9, streamBufferLimit: 65_536 }, answering);
}

function answering(stream: Http2Stream): StreamHandler {
  let left = 0;
  const pump = (): void => {
    for (let takesMore = true; takesMore && left > 0; left -= 1) takesMore = stream.sendData(PIECE, false);
    if (left === 0) stream.sendTrailers(TRAILERS);
  };
  const answer = (): void => {
    stream.sendHeaders(ANSWER, false);
    pump();
  };
  return {
    onHeaders(headers, endStream) {
      left = PIECES[findField(headers, ':path')?.value ?? ''] ?? 0;
      if (endStream) answer();
    },
    onData(chunk, endStream) {
      stream.credit(chunk.length);
      if (endStream) answer();
    },
    onTrailers: answer,
    onReset() {},
    onDrain: pump,
  };
}
