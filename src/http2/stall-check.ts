import type { Output } from './output.ts';
import type { Stream } from './stream.ts';
import type { StreamTable } from './stream-table.ts';

/** Finds what a peer has stopped to read, by looking now and then. */
export class StallCheck {
  readonly #streams: StreamTable;
  readonly #output: Output;
  /** Octets that the socket had passed on at the last look. */
  #sentBefore = -1;

  constructor(streams: StreamTable, output: Output) {
    this.#streams = streams;
    this.#output = output;
  }

  /** The whole connection, or the streams that have only to be read and were not since the last look. */
  look(): 'connection' | readonly Stream[] {
    const { sent, written } = this.#output;
    const hasMoved = sent !== this.#sentBefore || sent === written;
    this.#sentBefore = sent;
    const stalled = this.#streams.list().filter((stream) => stream.isStalled());
    return hasMoved ? stalled : 'connection';
  }
}

/** The stream that holds most octets. */
export function largestQueue(streams: StreamTable): Stream | undefined {
  let largest: Stream | undefined;
  for (const stream of streams.list()) if (stream.queue.length > (largest?.queue.length ?? 0)) largest = stream;
  return largest;
}
