import type { Duplex } from 'node:stream';
import { statusOf } from '../http2/index.ts';
import type { HeaderBlock, Http2Stream } from '../http2/types.ts';
import { reasonOf } from './node-http.ts';
import { rawResponse } from './response-head.ts';
import type { Turn, TurnOwner } from './turn.ts';
import type { Http1Problem, Http1ServerHandler, Http1StreamHandler } from './types.ts';

/** What is answered: something that is no request, or one that node:http leaves to us (CONNECT). */
type Subject = { readonly kind: 'problem'; readonly problem: Http1Problem } | { readonly kind: 'request'; readonly headers: HeaderBlock };

/** The last answer on a connection whose parser is done for: written as it is, and the connection ends behind it. */
export class AnswerStream implements Http2Stream, Turn {
  readonly id = 1;
  readonly #connection: TurnOwner;
  readonly #socket: Duplex;
  readonly #owner: Http1ServerHandler;
  readonly #subject: Subject;
  #handler: Http1StreamHandler | undefined;
  #state: 'idle' | 'open' | 'over' = 'idle';

  constructor(connection: TurnOwner, socket: Duplex, owner: Http1ServerHandler, subject: Subject) {
    this.#connection = connection;
    this.#socket = socket;
    this.#owner = owner;
    this.#subject = subject;
  }

  get isOpen(): boolean {
    return this.#state !== 'over';
  }

  start(): void {
    const handler = this.#owner.onStream(this);
    this.#handler = handler;
    if (this.#subject.kind === 'problem') handler.onInvalid(this.#subject.problem);
    else handler.onHeaders(this.#subject.headers, true);
  }

  fail(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#handler?.onReset({ code: 8, origin: 'connection' });
  }

  sendHeaders(headers: HeaderBlock, endStream: boolean): void {
    const status = statusOf(headers);
    if (this.#state !== 'idle' || status < 200) return;
    this.#state = 'open';
    const raw = rawResponse(headers, { endStream, isHead: false, closes: true });
    let head = `HTTP/1.1 ${status} ${reasonOf(status)}\r\n`;
    for (let index = 0; index < raw.length; index += 2) head += `${raw[index]}: ${raw[index + 1]}\r\n`;
    this.#socket.write(`${head}\r\n`, 'latin1');
    if (endStream) this.#end();
  }

  sendData(chunk: Buffer, endStream: boolean): boolean {
    if (this.#state !== 'open') return true;
    this.#socket.write(Buffer.from(chunk));
    if (endStream) this.#end();
    return true;
  }

  sendTrailers(): void {
    if (this.#state === 'open') this.#end();
  }

  reset(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#connection.destroy();
  }

  credit(): void {}

  #end(): void {
    this.#state = 'over';
    this.#connection.onServed(true);
  }
}
