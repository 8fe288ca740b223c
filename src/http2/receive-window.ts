import type { FrameWriter } from './frame-writer.ts';
import { DEFAULT_WINDOW_SIZE } from './protocol.ts';

/**
 * Our receive window of the connection. Credit is given on receipt, so that a stalled stream cannot stop the others, until more than a
 * whole window is held by handlers: then only as they let go. So a peer can make us hold two windows at most.
 */
export class ReceiveWindow {
  readonly #writer: FrameWriter;
  readonly #size: number;
  #left = DEFAULT_WINDOW_SIZE;
  #due: number;
  #held = 0;

  constructor(writer: FrameWriter, size: number) {
    this.#writer = writer;
    this.#size = size;
    this.#due = size - DEFAULT_WINDOW_SIZE;
  }

  /** Raises the window from its initial size; with our SETTINGS. */
  open(): void {
    if (this.#due > 0) this.#grant();
  }

  covers(octets: number): boolean {
    return octets <= this.#left;
  }

  /** DATA came: `flowLength` octets of window, `held` of which a stream's handler got. True when a WINDOW_UPDATE was written. */
  take(flowLength: number, held: number): boolean {
    this.#left -= flowLength;
    this.#due += flowLength;
    this.#held += held;
    return this.#grantIfSensible();
  }

  /** Handlers let go of octets. True when a WINDOW_UPDATE was written. */
  release(octets: number): boolean {
    this.#held -= octets;
    return this.#grantIfSensible();
  }

  #grantIfSensible(): boolean {
    if (this.#due * 2 < this.#size || this.#held > this.#size) return false;
    this.#grant();
    return true;
  }

  #grant(): void {
    this.#writer.windowUpdate(0, this.#due);
    this.#left += this.#due;
    this.#due = 0;
  }
}
