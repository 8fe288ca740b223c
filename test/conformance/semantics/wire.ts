// One HTTP/2 connection as its streams and what came on them, for the caller and for the upstream of a situation.
import type { Socket } from 'node:net';
import { END_HEADERS, END_STREAM, frame, literals, type RawFrame, RawPeer, u32 } from '../../support/http2-raw.ts';

export type Fields = readonly (readonly [name: string, value: string])[];

const ACK = 1;

export class Wire {
  readonly streams: WireStream[] = [];
  /** `goaway 0 last 1`. */
  readonly goAways: string[] = [];
  readonly #peer: RawPeer;
  readonly #socket: Socket;
  #read = 0;

  constructor(socket: Socket, side: 'client' | 'server') {
    this.#socket = socket;
    this.#peer = new RawPeer(socket);
    socket.setNoDelay(true);
    if (side === 'client') this.#peer.sendPreface();
    else this.#peer.send(frame('SETTINGS', 0, 0));
    // answers SETTINGS and PINGs as long as it lives
    this.until(() => false).catch(() => {});
  }

  get isEnded(): boolean {
    return this.#peer.isEnded;
  }

  open(): WireStream {
    const stream = new WireStream(this.streams.length * 2 + 1, this);
    this.streams.push(stream);
    return stream;
  }

  send(octets: Uint8Array): void {
    this.#peer.send(octets);
  }

  goAway(lastStreamId: number, code: number): void {
    this.send(frame('GOAWAY', 0, 0, u32(lastStreamId, code)));
  }

  /** FIN. */
  end(): void {
    this.#socket.end();
  }

  /** Without another word. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** RST. */
  cut(): void {
    this.#socket.resetAndDestroy();
  }

  /** Resolves once `test` holds; fails when the connection ends first. */
  until(test: () => boolean): Promise<void> {
    return this.#peer.until(() => {
      this.#takeFrames();
      return test();
    });
  }

  async ended(): Promise<void> {
    await this.#peer.ending();
    this.#takeFrames();
  }

  #takeFrames(): void {
    const { frames } = this.#peer;
    while (this.#read < frames.length) this.#take(frames[this.#read++] as RawFrame);
  }

  #take({ type, flags, streamId, payload }: RawFrame): void {
    if (type === 'SETTINGS' && (flags & ACK) === 0) this.send(frame('SETTINGS', ACK, 0));
    if (type === 'PING' && (flags & ACK) === 0) this.send(frame('PING', ACK, 0, payload));
    if (type === 'GOAWAY') this.goAways.push(`goaway ${payload.readUInt32BE(4)} last ${payload.readUInt32BE(0)}`);
    if (type === 'HEADERS') {
      const lines = this.#peer.decodeHeaders(payload).map((line): [string, string] => {
        const at = line.indexOf(': ');
        return [line.slice(0, at), line.slice(at + 2)];
      });
      this.#streamOf(streamId).onHeaders(lines, (flags & END_STREAM) !== 0);
    }
    if (type === 'DATA') this.#streamOf(streamId).onData(payload, (flags & END_STREAM) !== 0);
    if (type === 'RST_STREAM') this.#streamOf(streamId).onReset(payload.readUInt32BE(0));
  }

  #streamOf(id: number): WireStream {
    const known = this.streams.find((stream) => stream.id === id);
    if (known) return known;
    const stream = new WireStream(id, this);
    this.streams.push(stream);
    return stream;
  }
}

/** One stream: what came on it, and what may be sent. */
export class WireStream {
  readonly id: number;
  /** What came, in order: blocks of fields, octets in between, the end. */
  readonly events: StreamEvent[] = [];
  isEnded = false;
  resetCode: number | undefined = undefined;
  /** When the reset came, in ms of the monotonic clock. */
  resetAtMs = 0;
  readonly #wire: Wire;

  constructor(id: number, wire: Wire) {
    this.id = id;
    this.#wire = wire;
  }

  /** Nothing more will come. */
  get isOver(): boolean {
    return this.isEnded || this.resetCode !== undefined;
  }

  /** Of the first block. */
  get fields(): Fields {
    for (const event of this.events) if ('fields' in event) return event.fields;
    return [];
  }

  field(name: string): string | undefined {
    return this.fields.find(([one]) => one === name)?.[1];
  }

  get octets(): number {
    return this.events.reduce((sum, event) => sum + (event.kind === 'data' ? event.octets : 0), 0);
  }

  headers(fields: Fields, end = false): void {
    this.#wire.send(frame('HEADERS', END_HEADERS | (end ? END_STREAM : 0), this.id, literals(fields)));
  }

  data(octets: Uint8Array, end = false): void {
    this.#wire.send(frame('DATA', end ? END_STREAM : 0, this.id, octets));
  }

  reset(code: number): void {
    this.#wire.send(frame('RST_STREAM', 0, this.id, u32(code)));
  }

  async until(test: (stream: WireStream) => boolean): Promise<void> {
    await this.#wire.until(() => test(this));
  }

  /** The other side has ended or reset it, or the connection is gone. */
  async over(): Promise<void> {
    await this.#wire.until(() => this.isOver).catch(() => {});
  }

  /** How the other side breaks it off: `reset 8`, or `connection closed`. */
  async ending(): Promise<string> {
    await this.#wire.until(() => this.resetCode !== undefined).catch(() => {});
    return this.resetCode === undefined ? 'connection closed' : `reset ${this.resetCode}`;
  }

  onHeaders(fields: Fields, isEnd: boolean): void {
    this.events.push({ kind: this.events.some(({ kind }) => kind === 'data') || this.#hasFinal ? 'trailers' : 'headers', fields });
    if (isEnd) this.#end();
  }

  onData(payload: Buffer, isEnd: boolean): void {
    const last = this.events.at(-1);
    if (last?.kind === 'data') last.octets += payload.length;
    else if (payload.length > 0) this.events.push({ kind: 'data', octets: payload.length });
    if (isEnd) this.#end();
  }

  onReset(code: number): void {
    this.resetCode = code;
    this.resetAtMs = performance.now();
    this.events.push({ kind: 'reset', code });
  }

  /** A block of fields that is no 1xx has come. */
  get #hasFinal(): boolean {
    return this.events.some((event) => event.kind === 'headers' && !/^1/.test(event.fields[0]?.[1] ?? ''));
  }

  #end(): void {
    this.isEnded = true;
    this.events.push({ kind: 'end' });
  }
}

export type StreamEvent =
  | { readonly kind: 'headers' | 'trailers'; readonly fields: Fields }
  | { readonly kind: 'data'; octets: number }
  | { readonly kind: 'reset'; readonly code: number }
  | { readonly kind: 'end' };
