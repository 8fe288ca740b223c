import type { AbuseGuard } from './abuse-guard.ts';
import type { Http2CodecStats } from './codec-stats.ts';
import { Http2Error } from './errors.ts';
import { ErrorCode } from './protocol.ts';

/** No honest peer cuts a list that we would take into more pieces than this (CVE-2024-27316). */
const MAX_CONTINUATIONS = 32;

/** A header block of which END_HEADERS is still to come. */
export interface OpenBlock {
  readonly streamId: number;
  readonly endStream: boolean;
}

/** Gathers HEADERS and its CONTINUATION frames; the bytes are bounded before anything is decoded. */
export class HeaderAssembly {
  readonly #maxBytes: number;
  readonly #guard: AbuseGuard;
  readonly #stats: Http2CodecStats;
  #open: OpenBlock | undefined;
  #pieces: Buffer[] = [];
  #size = 0;

  constructor(maxBytes: number, guard: AbuseGuard, stats: Http2CodecStats) {
    this.#maxBytes = maxBytes;
    this.#guard = guard;
    this.#stats = stats;
  }

  /** The block that CONTINUATION must go on with; while there is one nothing else may come (RFC 9113 §6.10). */
  get open(): OpenBlock | undefined {
    return this.#open;
  }

  begin(block: OpenBlock, bytes: Buffer, start: number, end: number): void {
    this.#open = block;
    this.#pieces = [];
    this.#size = 0;
    this.#add(bytes, start, end);
  }

  /** Throws Http2Error when there are too many pieces or bytes. */
  continue(bytes: Buffer, start: number, end: number): void {
    this.#guard.payloadFrame(start === end);
    this.#add(bytes, start, end);
  }

  /** The whole block's bytes; then no block is open any more. */
  finish(): Buffer {
    const whole = Buffer.concat(this.#pieces, this.#size);
    this.#open = undefined;
    this.#pieces = [];
    return whole;
  }

  #add(bytes: Buffer, start: number, end: number): void {
    this.#size += end - start;
    if (this.#pieces.length > MAX_CONTINUATIONS || this.#size > this.#maxBytes) {
      this.#stats.headerOverflow.inc();
      throw new Http2Error(ErrorCode.ENHANCE_YOUR_CALM, 'header block in too many or too large pieces');
    }
    this.#pieces.push(Buffer.copyBytesFrom(bytes, start, end - start));
  }
}
