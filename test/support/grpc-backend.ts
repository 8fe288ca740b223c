import { connect, createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';

/** How a backend answers a call. `hang`: never. A number: that grpc-status, trailers-only. */
export type Behaviour = 'ok' | 'hang' | number;

/** A gRPC server of few words: each call is answered with its name, or as `behaviour` says. Speaks HTTP/2 without TLS. */
export interface GrpcBackend {
  /** 127.0.0.1:port. */
  readonly address: string;
  readonly name: string;
  behaviour: Behaviour;
  /** How many calls have arrived. */
  readonly calls: number;
  /** Closes the port and cuts every connection, as SIGKILL would. */
  kill(): Promise<void>;
}

export async function startBackend(name: string): Promise<GrpcBackend> {
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  const backend = { name, address: '', behaviour: 'ok' as Behaviour, calls: 0, kill: () => kill(server, sessions) };
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.once('close', () => sessions.delete(session));
  });
  server.on('sessionError', () => {});
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.resume();
    backend.calls += 1;
    stream.once('end', () => answer(stream, name, backend.behaviour));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  backend.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return backend;
}

function answer(stream: ServerHttp2Stream, name: string, behaviour: Behaviour): void {
  if (stream.destroyed || behaviour === 'hang') return;
  if (typeof behaviour === 'number') {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(behaviour) }, { endStream: true });
    return;
  }
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'x-member': name }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.from([0, 0, 0, 0, 0]));
}

async function kill(server: Http2Server, sessions: ReadonlySet<ServerHttp2Session>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const session of sessions) session.destroy();
  await closed;
}

/** What came back of a call. */
export interface CallResult {
  /** grpc-status; -1 when the stream ended without one. */
  readonly status: number;
  readonly message: string;
  /** Name of the backend that answered, '' when none did. */
  readonly member: string;
}

/** A gRPC client for calls without content, with an :authority of its own for each. */
export interface GrpcCaller {
  call(authority: string, path: string): Promise<CallResult>;
  close(): Promise<void>;
}

export function createCaller(target: string): GrpcCaller {
  const session = connect(`http://${target}`);
  session.on('error', () => {});
  return {
    call: (authority, path) =>
      new Promise((resolve) => {
        const stream = session.request({
          ':method': 'POST',
          ':path': path,
          ':authority': authority,
          'content-type': 'application/grpc',
          te: 'trailers',
        });
        const seen: Record<string, unknown> = {};
        stream.on('response', (headers) => Object.assign(seen, headers));
        stream.on('trailers', (trailers) => Object.assign(seen, trailers));
        stream.on('error', () => {});
        stream.resume();
        stream.once('close', () =>
          resolve({
            status: Number(seen['grpc-status'] ?? -1),
            message: decodeURIComponent(String(seen['grpc-message'] ?? '')),
            member: String(seen['x-member'] ?? ''),
          }),
        );
        stream.end(Buffer.from([0, 0, 0, 0, 0]));
      }),
    close: () => new Promise((resolve) => session.close(() => resolve())),
  };
}
