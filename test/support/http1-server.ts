import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Test } from 'tap';
import { type Clock, systemClock } from '../../src/core/index.ts';
import { Http1Server } from '../../src/http1/index.ts';
import type { Http1Options, Http1Problem, Http1ServerConnection, Http1StreamHandler } from '../../src/http1/types.ts';
import { headerBlock } from '../../src/http2/index.ts';
import type { HeaderBlock, Http2Stream } from '../../src/http2/types.ts';
import { Changes } from './changes.ts';

/** A request and what came of it. */
export class Served implements Http1StreamHandler {
  readonly stream: Http2Stream;
  headers: HeaderBlock = [];
  body = '';
  trailers: HeaderBlock = [];
  ended = false;
  reset: string | undefined;
  drains = 0;
  problem: Http1Problem | undefined;
  /** Gives credit at once. */
  isGreedy = true;
  onChange: () => void = () => {};

  constructor(stream: Http2Stream) {
    this.stream = stream;
  }

  onHeaders(headers: HeaderBlock, endStream: boolean): void {
    this.headers = headers;
    this.ended = endStream;
    this.onChange();
  }

  onData(chunk: Buffer, endStream: boolean): void {
    this.body += chunk.toString('latin1');
    this.ended = endStream;
    if (this.isGreedy) this.stream.credit(chunk.length);
    this.onChange();
  }

  onTrailers(trailers: HeaderBlock): void {
    this.trailers = trailers;
    this.ended = true;
    this.onChange();
  }

  onReset({ origin }: { readonly origin: string }): void {
    this.reset = origin;
    this.onChange();
  }

  onDrain(): void {
    this.drains += 1;
    this.onChange();
  }

  onInvalid(problem: Http1Problem): void {
    this.problem = problem;
    this.stream.sendHeaders(headerBlock([[':status', String(problem.status)]]), true);
    this.onChange();
  }

  answer(body: string, fields: readonly (readonly [string, string])[] = []): void {
    this.stream.sendHeaders(headerBlock([[':status', '200'], ['content-length', String(body.length)], ...fields]), body === '');
    if (body !== '') this.stream.sendData(Buffer.from(body), true);
  }
}

/** Our engine behind a listening socket: what it was asked, and what became of its connections. */
export interface ServerBench {
  readonly target: string;
  readonly served: Served[];
  readonly connections: Http1ServerConnection[];
  readonly closes: (Error | undefined)[];
  until(test: () => boolean): Promise<void>;
}

export async function startHttp1Server(
  t: Test,
  options: Http1Options & { readonly clock?: Clock; readonly onServed?: (served: Served) => void } = {},
): Promise<ServerBench> {
  const served: Served[] = [];
  const connections: Http1ServerConnection[] = [];
  const closes: (Error | undefined)[] = [];
  const { wake, until } = new Changes();
  const engine = new Http1Server({ clock: systemClock, ...options });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const connection = engine.accept(
      socket,
      { scheme: 'http' },
      {
        onStream: (stream) => {
          const one = new Served(stream);
          one.onChange = wake;
          served.push(one);
          options.onServed?.(one);
          return one;
        },
        onClose: (error) => {
          closes.push(error);
          wake();
        },
      },
    );
    connections.push(connection);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    target: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    served,
    connections,
    closes,
    until,
  };
}
