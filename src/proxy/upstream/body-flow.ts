import type { HeaderBlock } from '../../http2/types.ts';
import type { BodyReader, RequestBody } from './request-body.ts';

/** What a body is still needed for: only the tries that live; one that is about to start; perhaps one more. */
export type BodyNeed = 'now' | 'soon' | 'perhaps';

/** Brings the caller's body to every try, and gives the caller credit for what all of them have taken. */
export class BodyFlow {
  readonly body: RequestBody;
  readonly #caller: { credit(bytes: number): void };
  /** Taken in, not yet credited. */
  #owed = 0;

  constructor(body: RequestBody, caller: { credit(bytes: number): void }) {
    this.body = body;
    this.#caller = caller;
  }

  /** A chunk of the caller's. It is kept, or goes on as it is when nobody needs it a second time. */
  onData(chunk: Buffer, endStream: boolean, readers: readonly BodyReader[], need: BodyNeed): void {
    this.#owed += chunk.length;
    if (endStream) this.body.end(null);
    if (need !== 'perhaps' && this.#isWithAll(readers)) {
      this.#pass(chunk, endStream, readers);
    } else {
      this.body.keep(chunk);
      this.send(readers, need);
    }
  }

  onTrailers(trailers: HeaderBlock, readers: readonly BodyReader[], need: BodyNeed): void {
    this.body.end(trailers);
    this.send(readers, need);
  }

  /** Gives every try what is kept and it has not had; lets go of what nobody needs any more. */
  send(readers: readonly BodyReader[], need: BodyNeed): void {
    let least = this.body.length;
    let takesMore = readers.length > 0;
    for (const reader of readers) {
      this.body.sendTo(reader);
      least = Math.min(least, reader.position);
      takesMore &&= reader.stream !== undefined && !reader.isBlocked;
    }
    if (takesMore && least === this.body.length) this.#settle();
    if (need === 'now' && readers.length > 0) this.body.release(least);
  }

  /** Every try has all that has come. */
  #isWithAll(readers: readonly BodyReader[]): boolean {
    for (const { stream, position } of readers) if (!stream || position < this.body.length) return false;
    return readers.length > 0;
  }

  #pass(chunk: Buffer, endStream: boolean, readers: readonly BodyReader[]): void {
    this.body.passed();
    let takesMore = true;
    for (const reader of readers) {
      reader.position += 1;
      reader.requestEnded = endStream;
      reader.isBlocked = reader.stream?.sendData(chunk, endStream) === false;
      takesMore &&= !reader.isBlocked;
    }
    if (takesMore) this.#settle();
  }

  #settle(): void {
    if (this.#owed === 0) return;
    const bytes = this.#owed;
    this.#owed = 0;
    this.#caller.credit(bytes);
  }
}
