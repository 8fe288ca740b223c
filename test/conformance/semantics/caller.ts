import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Marks } from './marks.ts';
import { type Fields, Wire, type WireStream } from './wire.ts';

/** An empty gRPC message. */
export const MESSAGE: Buffer = Buffer.from([0, 0, 0, 0, 0]);

/** The caller of a situation: one connection to the proxy, frames in its own hands. */
export interface Caller {
  readonly wire: Wire;
  readonly marks: Marks;
  /** Tells the proxy that it is to go (`/healthcheck/fail`). */
  readonly drain: () => Promise<void>;
  /** Every call so far. */
  readonly calls: readonly WireStream[];
  /** Begins a gRPC call; fields with these names take the place of the usual ones, '' leaves one out. */
  open(fields?: Readonly<Record<string, string>>, end?: boolean): WireStream;
  /** One whole gRPC call without a message, up to its end. */
  call(fields?: Readonly<Record<string, string>>): Promise<WireStream>;
  /** As `call`, as a GET without anything of gRPC. */
  get(): Promise<WireStream>;
  close(): void;
}

export async function connectCaller(
  port: number,
  { path, marks, drain }: { readonly path: string; readonly marks: Marks; readonly drain: () => Promise<void> },
): Promise<Caller> {
  const socket = createConnection({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  const wire = new Wire(socket, 'client');
  const open: Caller['open'] = (fields = {}, end = false) => {
    const stream = wire.open();
    stream.headers(requestFields(path, fields), end);
    return stream;
  };
  return {
    wire,
    marks,
    drain,
    calls: wire.streams,
    open,
    async call(fields) {
      const stream = open(fields, true);
      await stream.over();
      return stream;
    },
    async get() {
      const stream = open({ ':method': 'GET', 'content-type': '', te: '' }, true);
      await stream.over();
      return stream;
    },
    close: () => wire.destroy(),
  };
}

const USUAL: Readonly<Record<string, string>> = {
  ':method': 'POST',
  ':scheme': 'http',
  ':authority': '127.0.0.13:9096',
  'content-type': 'application/grpc',
  te: 'trailers',
};

function requestFields(path: string, fields: Readonly<Record<string, string>>): Fields {
  const all = { ':path': path, ...USUAL, ...fields };
  const entries = Object.entries(all).filter(([, value]) => value !== '');
  return entries.sort(([a], [b]) => Number(b.startsWith(':')) - Number(a.startsWith(':')));
}
