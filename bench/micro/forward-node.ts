import { connect, createServer, type IncomingHttpHeaders } from 'node:http2';
import { portOf } from './forward-own.ts';

/** The same proxy on node:http2. */
export function startNodeProxy(upstreamPort: number): Promise<number> {
  const upstream = connect(`http://127.0.0.1:${upstreamPort}`, { settings: { initialWindowSize: 1_048_576 } });
  const server = createServer({ settings: { initialWindowSize: 1_048_576 } });
  server.on('stream', (down, headers) => {
    const up = upstream.request(withoutConnection(headers), { endStream: down.readableEnded });
    let trailers: IncomingHttpHeaders = {};
    up.on('response', (answer) => {
      down.respond(answer, { waitForTrailers: true });
      down.on('wantTrailers', () => down.sendTrailers(trailers));
    });
    up.on('trailers', (received) => {
      trailers = received;
    });
    up.on('error', () => down.close());
    down.on('error', () => up.close());
    down.pipe(up);
    up.pipe(down);
  });
  return new Promise((resolve) => {
    upstream.once('connect', () => server.listen(0, '127.0.0.1', () => resolve(portOf(server.address()))));
  });
}

function withoutConnection(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { connection: _dropped, ...rest } = headers;
  return rest;
}
