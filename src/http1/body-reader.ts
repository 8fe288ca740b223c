import type { IncomingMessage } from 'node:http';

export interface BodyEvents {
  onData(chunk: Buffer): void;
  onEnd(): void;
}

/** Reads a message's body at the pace of those who take it: nothing more is read while something given waits for its credit. */
export class BodyReader {
  readonly #message: IncomingMessage;
  readonly #events: BodyEvents;
  /** Octets given and not yet credited. */
  #owed = 0;
  #isDropped = false;

  constructor(message: IncomingMessage, events: BodyEvents) {
    this.#message = message;
    this.#events = events;
  }

  start(): void {
    this.#message.on('data', (chunk: Buffer) => {
      if (this.#isDropped) return;
      this.#owed += chunk.length;
      this.#events.onData(chunk);
      if (this.#owed > 0 && !this.#isDropped) this.#message.pause();
    });
    this.#message.once('end', () => this.#events.onEnd());
    // a body that breaks off is told of by its connection
    this.#message.on('error', () => {});
  }

  credit(bytes: number): void {
    this.#owed = Math.max(0, this.#owed - bytes);
    if (this.#owed === 0 && this.#message.isPaused()) this.#message.resume();
  }

  /** Nobody wants the rest. */
  drop(): void {
    this.#isDropped = true;
    this.#message.resume();
  }
}
