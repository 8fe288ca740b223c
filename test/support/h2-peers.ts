import {
  connect,
  constants,
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';

/** An HTTP/2 server by Node, on a port of its own. */
export interface Peer {
  /** 127.0.0.1:port. */
  readonly address: string;
  /** Streams that have arrived. */
  readonly streams: { readonly headers: IncomingHttpHeaders; readonly rawNames: readonly string[]; closedBy: number | undefined }[];
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  /** Closes the port and cuts every connection, as SIGKILL would. */
  kill(): Promise<void>;
}

/** Answers each stream with `handler`. */
export async function startPeer(handler: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void): Promise<Peer> {
  const server = createServer({ settings: { maxConcurrentStreams: 1000, initialWindowSize: 1 << 20 } });
  const sessions = new Set<ServerHttp2Session>();
  const streams: Peer['streams'] = [];
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.once('close', () => sessions.delete(session));
  });
  server.on('sessionError', () => {});
  server.on('stream', (stream, headers, _flags, raw) => {
    const seen = {
      headers,
      rawNames: (raw as unknown as string[]).filter((_, i) => i % 2 === 0),
      closedBy: undefined as number | undefined,
    };
    streams.push(seen);
    stream.on('error', () => {});
    stream.once('close', () => {
      seen.closedBy = stream.rstCode;
    });
    handler(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    streams,
    sessions,
    kill: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}

const GRPC_HEADERS = { ':status': 200, 'content-type': 'application/grpc' };

/** Takes the whole request, then answers with `body`, trailers and headers of one's own. */
export function answerGrpc(
  stream: ServerHttp2Stream,
  answer: { body?: Buffer; headers?: OutgoingHttpHeaders; trailers?: OutgoingHttpHeaders } = {},
): void {
  stream.resume();
  stream.once('end', () => {
    if (stream.destroyed) return;
    stream.respond({ ...GRPC_HEADERS, ...answer.headers }, { waitForTrailers: true });
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', ...answer.trailers }));
    stream.end(answer.body ?? Buffer.from([0, 0, 0, 0, 0]));
  });
}

/** A trailers-only answer. */
export function answerStatus(stream: ServerHttp2Stream, status: number, message = ''): void {
  stream.resume();
  stream.once('end', () => {
    if (stream.destroyed) return;
    stream.respond({ ...GRPC_HEADERS, 'grpc-status': String(status), 'grpc-message': message }, { endStream: true });
  });
}

/** What came back of one call. */
export interface Outcome {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** RST_STREAM code; 0 without. */
  readonly reset: number;
}

export interface Client {
  call(options?: { path?: string; headers?: OutgoingHttpHeaders; body?: Buffer }): Promise<Outcome>;
  /** A stream in one's own hands. */
  open(headers?: OutgoingHttpHeaders): ReturnType<ReturnType<typeof connect>['request']>;
  close(): Promise<void>;
}

export function createClient(target: string): Client {
  const session = connect(`http://${target}`, { settings: { initialWindowSize: 1 << 20 } });
  session.on('error', () => {});
  const open = (headers: OutgoingHttpHeaders = {}) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/tempopb.Querier/FindTraceByID',
      ':authority': '127.0.0.13:9096',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    stream.on('error', () => {});
    return stream;
  };
  return {
    open,
    call: ({ path, headers, body } = {}) =>
      new Promise((resolve) => {
        const stream = open({ ...headers, ...(path === undefined ? {} : { ':path': path }) });
        const seen = { headers: {} as IncomingHttpHeaders, trailers: {} as IncomingHttpHeaders };
        const chunks: Buffer[] = [];
        stream.on('response', (response) => {
          seen.headers = response;
        });
        stream.on('trailers', (trailers) => {
          seen.trailers = trailers;
        });
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.once('close', () => resolve({ ...seen, body: Buffer.concat(chunks), reset: stream.rstCode ?? constants.NGHTTP2_NO_ERROR }));
        stream.end(body ?? Buffer.from([0, 0, 0, 0, 0]));
      }),
    close: () =>
      new Promise((resolve) => {
        if (session.destroyed) resolve();
        else session.once('close', () => resolve());
        session.close();
      }),
  };
}

/** grpc-status of an outcome, wherever it stands; -1 without one. */
export function grpcStatus({ headers, trailers }: Outcome): number {
  return Number(trailers['grpc-status'] ?? headers['grpc-status'] ?? -1);
}

/** grpc-message of an outcome, decoded. */
export function grpcMessage({ headers, trailers }: Outcome): string {
  return decodeURIComponent(String(trailers['grpc-message'] ?? headers['grpc-message'] ?? ''));
}

/** Resolves once `isTrue`; looks again at each turn of the loop. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}
