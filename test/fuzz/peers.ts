import type { Dice } from './dice.ts';
import type { Frame } from './frame-splitter.ts';
import { type Pairs, requestPairs } from './headers.ts';
import { frameOf } from './octets.ts';
import { Speaker } from './speaker.ts';

const TRAILERS: Pairs = [
  ['grpc-status', '0'],
  ['grpc-message', 'fine%20indeed'],
];
const STATUSES = ['200', '200', '200', '204', '304', '404', '500', '503'] as const;
/** More would be refused by the engine's own limit of resets and streams soon. */
const OPEN_AT_ONCE = 40;

/** A caller: opens streams, sends bodies and trailers, cancels. */
export class CallingPeer extends Speaker {
  readonly #path: string;
  #nextId = 1;
  #resets = 0;

  constructor(dice: Dice, path: string) {
    super(dice);
    this.#path = path;
    this.later(frameOf('SETTINGS', 0, 0, this.settings()));
  }

  protected speak(): Buffer[] {
    const stream = this.dice.oneIn(3) ? undefined : this.anyStream();
    if (stream === undefined) return this.streams.size < OPEN_AT_ONCE ? this.#call() : [];
    const kind = this.dice.below(20);
    if (kind < 3) return this.sayHeaders(stream, TRAILERS, true);
    if (kind === 3 && this.#resets < 200) {
      this.#resets += 1;
      return this.sayReset(stream);
    }
    return this.sayData(stream);
  }

  protected onHeaders(): void {}

  #call(): Buffer[] {
    const stream = this.open(this.#nextId);
    this.#nextId += 2;
    return this.sayHeaders(stream, requestPairs(this.dice, `${this.#path}/${this.dice.below(5)}`), this.dice.oneIn(4));
  }
}

/** A server: answers what it is asked, in any order, with anything that an answer may be. */
export class AnsweringPeer extends Speaker {
  constructor(dice: Dice) {
    super(dice);
    this.later(frameOf('SETTINGS', 0, 0, this.settings()));
  }

  protected speak(): Buffer[] | undefined {
    const stream = this.anyStream();
    if (stream === undefined) return undefined;
    const kind = this.dice.below(20);
    if (kind === 0) return this.sayReset(stream);
    if (stream.said === 'nothing') {
      if (kind === 1) return this.headers.write(stream.id, [[':status', '103']], 0);
      const isEnd = this.dice.oneIn(5);
      return this.sayHeaders(stream, [[':status', this.dice.one(STATUSES)], ...(isEnd ? TRAILERS : [])], isEnd);
    }
    if (kind < 5) return this.sayHeaders(stream, TRAILERS, true);
    return this.sayData(stream);
  }

  protected onHeaders({ streamId }: Frame): void {
    // a second block on a stream is its trailers
    if (!this.#answered.has(streamId)) {
      this.#answered.add(streamId);
      this.open(streamId);
    }
  }

  readonly #answered = new Set<number>();
}
