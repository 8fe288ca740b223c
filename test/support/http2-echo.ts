import { createServer, type Socket } from 'node:net';
import { systemClock } from '../../src/core/index.ts';
import { type ConnectionOptions, createServerConnection, headerBlock } from '../../src/http2/index.ts';
import type { ConnectionHandler, Http2Connection, Http2Stream, StreamHandler } from '../../src/http2/types.ts';

const RESPONSE = headerBlock([
  [':status', '200'],
  ['content-type', 'application/octet-stream'],
]);
const TRAILERS = headerBlock([['grpc-status', '0']]);

/** Answers each request with its own body and trailers; a request without a body gets `hello http/2`. */
export function echoHandler(stream: Http2Stream): StreamHandler {
  let waiting = 0;
  return {
    onHeaders(_headers, endStream) {
      stream.sendHeaders(RESPONSE, false);
      if (endStream) stream.sendData(Buffer.from('hello http/2'), true);
    },
    onData(chunk, endStream) {
      if (stream.sendData(chunk, false)) stream.credit(chunk.length);
      else waiting += chunk.length;
      if (endStream) stream.sendTrailers(TRAILERS);
    },
    onTrailers() {
      stream.sendTrailers(TRAILERS);
    },
    onReset() {},
    onDrain() {
      stream.credit(waiting);
      waiting = 0;
    },
  };
}

export interface EchoServer {
  readonly port: number;
  readonly connections: Set<Http2Connection>;
  /** One entry for each connection that is over. */
  readonly closings: (Error | undefined)[];
  close(): Promise<void>;
}

/** An echo server on loopback. `accept` may put something else than an echo behind each connection. */
export async function startEchoServer(
  options: Partial<ConnectionOptions> = {},
  onStream: (stream: Http2Stream) => StreamHandler = echoHandler,
): Promise<EchoServer> {
  const connections = new Set<Http2Connection>();
  const closings: (Error | undefined)[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const connection: Http2Connection = createServerConnection(
      socket,
      { clock: systemClock, ...options },
      handlerFor(onStream, (error) => {
        connections.delete(connection);
        closings.push(error);
      }),
    );
    connections.add(connection);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    connections,
    closings,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function handlerFor(onStream: (stream: Http2Stream) => StreamHandler, onClose: (error: Error | undefined) => void): ConnectionHandler {
  return { onStream, onClose };
}
