import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { MESSAGE } from './caller.ts';
import type { Marks } from './marks.ts';
import { type Fields, Wire, type WireStream } from './wire.ts';

export const GRPC_HEADERS: Fields = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
];

/** The upstream of a situation: what a proxy opens to it, and what it finds worth noting. */
export interface Upstream {
  /** Notes what is compared. */
  note(text: string): void;
  /** The n-th accepted connection, 0 being the first, before anything was sent on it; waits for it. */
  socket(n: number): Promise<Socket>;
  /** The n-th connection as HTTP/2. */
  wire(n: number): Promise<Wire>;
  /** The first stream of the n-th connection, or the stream with that id. */
  request(n?: number, id?: number): Promise<WireStream>;
  readonly marks: Marks;
  /** How many connections came. */
  readonly connections: number;
}

/** Answers with a message and a status in real trailers. */
export function answer(stream: WireStream, status = 0): void {
  stream.headers(GRPC_HEADERS);
  stream.data(MESSAGE);
  stream.headers([['grpc-status', String(status)]], true);
}

/** The one request, once all of it is there. */
export async function whole(upstream: Upstream, n = 0, id = 1): Promise<WireStream> {
  const stream = await upstream.request(n, id);
  await stream.over();
  return stream;
}

/** A port of its own for one situation. Each run begins with `begin`. */
export class UpstreamPort {
  readonly port: number;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #sockets: Socket[] = [];
  #wires = new Map<Socket, Wire>();
  #waiting: (() => void)[] = [];

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
      this.#open.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => this.#open.delete(socket));
      this.#sockets.push(socket);
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  static async listen(): Promise<UpstreamPort> {
    const server = createServer({ pauseOnConnect: false });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new UpstreamPort(server);
  }

  /** Forgets what was before. */
  begin(notes: string[], marks: Marks): Upstream {
    this.#sockets = [];
    this.#wires = new Map();
    const sockets = (): readonly Socket[] => this.#sockets;
    const socket = async (n: number): Promise<Socket> => {
      while (this.#sockets.length <= n) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      return this.#sockets[n] as Socket;
    };
    const wire = async (n: number): Promise<Wire> => {
      const found = await socket(n);
      const known = this.#wires.get(found) ?? new Wire(found, 'server');
      this.#wires.set(found, known);
      return known;
    };
    return {
      marks,
      note: (text) => void notes.push(text),
      socket,
      wire,
      async request(n = 0, id = 1) {
        const connection = await wire(n);
        await connection.until(() => connection.streams.some((stream) => stream.id === id));
        return connection.streams.find((stream) => stream.id === id) as WireStream;
      },
      get connections() {
        return sockets().length;
      },
    };
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    await closed;
  }
}
