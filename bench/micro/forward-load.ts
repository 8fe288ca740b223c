import { connect, createServer, type Socket } from 'node:net';
import { systemClock } from '../../src/core/index.ts';
import { createClientConnection, createServerConnection, field, headerBlock } from '../../src/http2/index.ts';
import type { Http2Connection } from '../../src/http2/types.ts';
import { portOf } from './forward-own.ts';
import { QUERIER_HEADERS } from './querier-headers.ts';

export interface Load {
  readonly name: string;
  readonly connections: number;
  readonly streams: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly requests: number;
}

const RESPONSE = headerBlock([
  [':status', '200'],
  ['content-type', 'application/grpc'],
  ['grpc-encoding', 'snappy'],
]);
const TRAILERS = headerBlock([
  ['grpc-status', '0'],
  ['grpc-message', ''],
]);
/** Answers every request, once it has ended, with the number of octets that its path asks for. */
export function startBackend(responseBytes: () => number): Promise<number> {
  const body = Buffer.alloc(4_194_304, 'x');
  const server = createServer({ noDelay: true }, (socket) => {
    createServerConnection(
      socket,
      { clock: systemClock, streamBufferLimit: 8_388_608, maxPrematureResets: 1e9 },
      {
        onStream: (stream) => {
          const answer = (): void => {
            stream.sendHeaders(RESPONSE, false);
            stream.sendData(body.subarray(0, responseBytes()), false);
            stream.sendTrailers(TRAILERS);
          };
          return {
            onHeaders: (_headers, endStream) => endStream && answer(),
            onData: (chunk, endStream) => {
              stream.credit(chunk.length);
              if (endStream) answer();
            },
            onTrailers: answer,
            onReset() {},
            onDrain() {},
          };
        },
        onClose: () => {},
      },
    );
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(portOf(server.address())));
  });
}

/** Runs the load in a closed loop; resolves when the last request has its answer. Throws on anything but a full answer. */
export async function run(port: number, load: Load): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: load.connections }, () => open(port)));
  const body = Buffer.alloc(load.requestBytes, 'y');
  let left = load.requests;
  let sequence = 0;
  await Promise.all(
    sockets.flatMap(([connection]) =>
      Array.from({ length: load.streams }, async () => {
        while (left > 0) {
          left -= 1;
          sequence += 1;
          await request(connection, body, load.responseBytes, sequence);
        }
      }),
    ),
  );
  for (const [connection, socket] of sockets) {
    connection.destroy();
    socket.destroy();
  }
}

function open(port: number): Promise<[Http2Connection, Socket]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => {
      const connection = createClientConnection(
        socket,
        { clock: systemClock },
        {
          onStream: () => {
            throw new Error('a server opens no streams');
          },
          onClose: () => {},
        },
      );
      resolve([connection, socket]);
    });
    socket.once('error', reject);
  });
}

function request(connection: Http2Connection, body: Buffer, expected: number, sequence: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = 0;
    const stream = connection.openStream({
      onHeaders() {},
      onData: (chunk) => {
        received += chunk.length;
        stream?.credit(chunk.length);
      },
      onTrailers: () => (received === expected ? resolve() : reject(new Error(`${received} of ${expected} octets`))),
      onReset: ({ code, origin }) => reject(new Error(`reset ${code} ${origin}`)),
      onDrain() {},
    });
    // Two values that are new each time, as grpc-go has with tracing on.
    const trace = `00-${sequence.toString(16).padStart(32, '0')}-00f067aa0ba902b7-01`;
    stream?.sendHeaders([...QUERIER_HEADERS, field('grpc-timeout', `${9_000_000 + sequence}u`), field('traceparent', trace)], false);
    stream?.sendData(body, true);
  });
}
