import { ErrorCode, errorCodeName } from '../../src/http2/index.ts';
import type { Dice } from './dice.ts';
import { MemorySocket } from './memory-socket.ts';
import { type Harm, Mutator } from './mutator.ts';
import type { Speaker } from './speaker.ts';
import { Witness } from './witness.ts';

export interface LinkOptions {
  /** Which side of the connection the engine is. */
  readonly engine: 'server' | 'client';
  readonly harm: Harm;
  readonly mayThrow?: boolean;
  readonly keepsChunks: boolean;
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** One connection of the engine: a speaker at its other end, harm and random chunks on the way there, a witness on the way back. */
export class Link {
  readonly engine: 'server' | 'client';
  readonly socket: MemorySocket = new MemorySocket();
  readonly witness: Witness;
  /** Frames that went to the engine while it listened. */
  frames = 0;
  /** What the engine got, chunk by chunk, when it is to be kept. */
  readonly chunks: Buffer[] = [];
  readonly #dice: Dice;
  readonly #options: LinkOptions;
  readonly #speaker: Speaker;
  readonly #mutator: Mutator;
  readonly #chunking: number;
  #waiting: Buffer[] = [];
  #isOver = false;

  constructor(dice: Dice, speaker: Speaker, options: LinkOptions) {
    this.#dice = dice;
    this.#options = options;
    this.engine = options.engine;
    this.#speaker = speaker;
    this.#mutator = new Mutator(dice, options.harm);
    this.#chunking = dice.below(4);
    const preface = options.harm === 'much' && dice.oneIn(20) ? dice.octets(24) : PREFACE;
    const { engine: side, mayThrow = false } = options;
    this.witness = new Witness({ side, mayThrow, mayAnswerInText: preface !== PREFACE }, (frame) => speaker.hear(frame));
    this.socket.onWritten = (bytes) => this.witness.fromEngine(bytes);
    this.socket.onFinished = () => {
      this.#isOver = true;
    };
    if (options.engine === 'server') this.#waiting.push(preface);
  }

  /** What is wrong with what the engine sent. A peer that did all right must not be told that it did not, unless it was too much. */
  get faults(): string[] {
    const { faults, goAwayCode } = this.witness;
    const isExcused = goAwayCode === undefined || goAwayCode === ErrorCode.ENHANCE_YOUR_CALM || this.#options.mayThrow === true;
    return this.#options.harm === 'none' && !isExcused
      ? [...faults, `GOAWAY with ${errorCodeName(goAwayCode)} for a peer without fault`]
      : faults;
  }

  /** The engine has ended its side. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Lets the speaker say up to so many frames; some may stay on the way. */
  pump(most: number): void {
    for (let said = 0; said < most && !this.#isOver; said += 1) {
      const frame = this.#speaker.next();
      if (frame === undefined) break;
      this.frames += 1;
      this.#waiting.push(...this.#mutator.pass(frame));
      if (this.#chunking < 2) this.#send();
    }
    if (this.#chunking >= 2) this.#send();
    if (this.socket.isHolding ? this.#dice.oneIn(2) : this.#dice.oneIn(10)) this.#changeWriting();
  }

  /** The engine's octets pass again, and nothing stays on the way to it. */
  settle(): void {
    this.socket.writing = 'prompt';
    this.socket.passOn();
    this.#send();
  }

  /** The peer goes: in order, or not. */
  leave(): void {
    this.settle();
    if (this.#dice.oneIn(4)) this.socket.destroy(this.#dice.oneIn(2) ? new Error('connection reset by peer') : undefined);
    else this.socket.deliverEnd();
  }

  #changeWriting(): void {
    this.socket.writing = this.#dice.oneIn(2) ? 'held' : 'prompt';
    this.socket.passOn();
  }

  /** Chunking 0: a chunk a frame; 1: frames in small pieces; 2: all at once; 3: cut anywhere. */
  #send(): void {
    if (this.#waiting.length === 0) return;
    const bytes = this.#waiting.length === 1 ? this.#waiting[0]! : Buffer.concat(this.#waiting);
    this.#waiting = [];
    const most = this.#chunking === 1 ? 30 : this.#chunking === 3 ? 2000 : Number.POSITIVE_INFINITY;
    for (let at = 0; at < bytes.length && !this.#isOver; ) {
      const end = Math.min(bytes.length, most === Number.POSITIVE_INFINITY ? bytes.length : at + this.#dice.between(1, most));
      const chunk = bytes.subarray(at, end);
      this.witness.toEngine(chunk);
      if (this.#options.keepsChunks) this.chunks.push(chunk);
      this.socket.deliver(chunk);
      at = end;
    }
  }
}
