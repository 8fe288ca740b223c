import { type Duplex, duplexPair } from 'node:stream';
import { systemClock } from '../../src/core/index.ts';
import { HpackDecoder } from '../../src/http2/hpack/decoder.ts';
import { type ConnectionOptions, createClientConnection, createServerConnection } from '../../src/http2/index.ts';
import { FrameType } from '../../src/http2/protocol.ts';
import type { ConnectionHandler, Http2Connection, Http2Stream, StreamHandler, StreamReset } from '../../src/http2/types.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const typeNames: readonly string[] = Object.keys(FrameType);
export const END_STREAM = 1;
export const END_HEADERS = 4;

export interface RawFrame {
  readonly type: string;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** One frame as octets. */
export function frame(
  type: keyof typeof FrameType | number,
  flags: number,
  streamId: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = typeof type === 'number' ? type : FrameType[type];
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

/** Fields as literals without indexing: the plainest HPACK. */
export function literals(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(
    fields.map(([name, value]) =>
      Buffer.concat([
        Buffer.from([0]),
        length(name.length),
        Buffer.from(name, 'latin1'),
        length(value.length),
        Buffer.from(value, 'latin1'),
      ]),
    ),
  );
}

function length(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const rest = value - 127;
  return Buffer.from([127, (rest & 0x7f) | 0x80, ((rest >> 7) & 0x7f) | 0x80, rest >> 14]);
}

export const u32 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
};

export const setting = (id: number, value: number): Buffer => Buffer.concat([Buffer.from([id >> 8, id]), u32(value)]);

export const REQUEST: readonly (readonly [string, string])[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/tempopb.Querier/FindTraceByID'],
  [':authority', '127.0.0.12:9196'],
];

/** A peer that sends any octets and keeps every frame it gets. */
export class RawPeer {
  readonly frames: RawFrame[] = [];
  isEnded = false;
  readonly #socket: Duplex;
  readonly #decoder = new HpackDecoder({ maxBytes: 1_000_000, maxFields: 10_000 });
  #bytes: Buffer = Buffer.alloc(0);
  #waiting: (() => void)[] = [];

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#add(chunk));
    socket.on('error', () => {});
    const onEnd = (): void => {
      this.isEnded = true;
      this.#wake();
    };
    socket.on('end', onEnd);
    socket.on('close', onEnd);
  }

  /** The client's first octets: preface and SETTINGS. */
  sendPreface(settings: Uint8Array = Buffer.alloc(0)): void {
    this.send(Buffer.from(PREFACE), frame('SETTINGS', 0, 0, settings));
  }

  send(...octets: readonly Uint8Array[]): void {
    if (!this.#socket.destroyed && this.#socket.writable) this.#socket.write(Buffer.concat(octets));
  }

  end(): void {
    this.#socket.end();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  of(type: keyof typeof FrameType): RawFrame[] {
    return this.frames.filter((one) => one.type === type);
  }

  /** Resolves once `test` holds; it is asked after everything received. */
  async until(test: () => boolean): Promise<void> {
    while (!test()) {
      if (this.isEnded) throw new Error('the connection ended first');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The first frame of a type, waiting for it if need be. */
  async first(type: keyof typeof FrameType): Promise<RawFrame> {
    await this.until(() => this.of(type).length > 0);
    return this.of(type)[0]!;
  }

  /** Resolves when the other side has ended; the error code of its GOAWAY, undefined without one. */
  async ending(): Promise<number | undefined> {
    while (!this.isEnded) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.of('GOAWAY').at(-1)?.payload.readUInt32BE(4);
  }

  /** The fields of every HEADERS frame so far, as text. */
  decodeHeaders(payload: Buffer): string[] {
    return (this.#decoder.decode(payload, 0, payload.length) ?? []).map(({ name, value }) => `${name}: ${value}`);
  }

  #add(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (this.#bytes.toString('latin1', 0, PREFACE.length) === PREFACE) this.#bytes = this.#bytes.subarray(PREFACE.length);
    while (this.#bytes.length >= 9) {
      const size = this.#bytes.readUIntBE(0, 3);
      if (this.#bytes.length < 9 + size) break;
      const type = typeNames[this.#bytes[3]!] ?? `type ${this.#bytes[3]}`;
      const payload = Buffer.from(this.#bytes.subarray(9, 9 + size));
      this.frames.push({ type, flags: this.#bytes[4]!, streamId: this.#bytes.readUInt32BE(5), payload });
      this.#bytes = this.#bytes.subarray(9 + size);
    }
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** What happened on a stream, as text, and the stream. */
export interface Recorded {
  readonly stream: Http2Stream;
  readonly events: string[];
  readonly body: Buffer[];
  readonly resets: StreamReset[];
}

export function recorder(stream: Http2Stream | undefined): Recorded & { readonly handler: StreamHandler } {
  const events: string[] = [];
  const body: Buffer[] = [];
  const resets: StreamReset[] = [];
  const end = (endStream: boolean): string => (endStream ? ' END' : '');
  return {
    stream: stream as Http2Stream,
    events,
    body,
    resets,
    handler: {
      onHeaders: (headers, endStream) =>
        events.push(`headers ${headers.map(({ name, value }) => `${name}=${value}`).join(' ')}${end(endStream)}`),
      onInformational: (headers) => events.push(`informational ${headers[0]?.value}`),
      onData: (chunk, endStream) => {
        body.push(Buffer.from(chunk));
        events.push(`data ${chunk.length}${end(endStream)}`);
      },
      onTrailers: (trailers) => events.push(`trailers ${trailers.map(({ name, value }) => `${name}=${value}`).join(' ')}`),
      onReset: (reset) => {
        resets.push(reset);
        events.push(`reset ${reset.code} ${reset.origin}`);
      },
      onDrain: () => events.push('drain'),
    },
  };
}

export interface Harness {
  readonly peer: RawPeer;
  readonly connection: Http2Connection;
  /** Server side: the streams it was given, in order. */
  readonly streams: Recorded[];
  readonly closings: (Error | undefined)[];
  readonly goAways: string[];
}

/** Our server (or client) in memory, with a raw peer at the other end. */
export function harness(
  side: 'server' | 'client',
  options: Partial<ConnectionOptions> = {},
  onStream?: (stream: Http2Stream) => StreamHandler,
): Harness {
  const [near, far] = duplexPair();
  const streams: Recorded[] = [];
  const closings: (Error | undefined)[] = [];
  const goAways: string[] = [];
  const handler: ConnectionHandler = {
    onStream: (stream) => {
      if (onStream !== undefined) return onStream(stream);
      const recorded = recorder(stream);
      streams.push(recorded);
      return recorded.handler;
    },
    onGoAway: (lastStreamId, code, debug) => goAways.push(`${lastStreamId} ${code} ${debug}`),
    onClose: (error) => closings.push(error),
  };
  const create = side === 'server' ? createServerConnection : createClientConnection;
  const connection = create(near, { clock: systemClock, ...options }, handler);
  return { peer: new RawPeer(far), connection, streams, closings, goAways };
}
