import { createServer, type Socket } from 'node:net';
import { systemClock } from '../../src/core/index.ts';
import { createClientConnection, createServerConnection, ErrorCode } from '../../src/http2/index.ts';
import type { Http2Connection, Http2Stream, StreamHandler } from '../../src/http2/types.ts';
import { connect } from '../../src/transport/index.ts';

const noStreams = (): never => {
  throw new Error('a server opens no streams');
};

/** A proxy on our engine that passes every request to one upstream over one connection. Resolves with its port. */
export function startOwnProxy(upstreamPort: number): Promise<number> {
  return new Promise((resolve) => {
    connect(
      { host: '127.0.0.1', port: upstreamPort, timeoutMs: 5000, clock: systemClock },
      {
        onConnected: (socket) => resolve(listen(socket)),
        onFailed: (error) => {
          throw error;
        },
      },
    );
  });
}

function listen(upstreamSocket: Socket): Promise<number> {
  const upstream = createClientConnection(upstreamSocket, { clock: systemClock }, { onStream: noStreams, onClose: () => {} });
  const server = createServer({ noDelay: true }, (socket) => {
    createServerConnection(socket, { clock: systemClock }, { onStream: (stream) => forward(stream, upstream), onClose: () => {} });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(portOf(server.address())));
  });
}

function forward(down: Http2Stream, upstream: Http2Connection): StreamHandler {
  let up: Http2Stream | undefined;
  let heldUp = 0;
  let heldDown = 0;
  const answer: StreamHandler = {
    onHeaders: (headers, endStream) => down.sendHeaders(headers, endStream),
    onData: (chunk, endStream) => {
      if (down.sendData(chunk, endStream)) up?.credit(chunk.length);
      else heldDown += chunk.length;
    },
    onTrailers: (trailers) => down.sendTrailers(trailers),
    onReset: ({ code }) => down.reset(code),
    onDrain: () => {
      down.credit(heldUp);
      heldUp = 0;
    },
  };
  return {
    onHeaders: (headers, endStream) => {
      up = upstream.openStream(answer);
      if (up === undefined) down.reset(ErrorCode.REFUSED_STREAM);
      else up.sendHeaders(headers, endStream);
    },
    onData: (chunk, endStream) => {
      if (up?.sendData(chunk, endStream)) down.credit(chunk.length);
      else heldUp += chunk.length;
    },
    onTrailers: (trailers) => up?.sendTrailers(trailers),
    onReset: ({ code }) => up?.reset(code),
    onDrain: () => {
      up?.credit(heldDown);
      heldDown = 0;
    },
  };
}

export function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
