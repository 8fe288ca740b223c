import { FrameType, SettingId } from '../../src/http2/protocol.ts';
import type { Frame } from './frame-splitter.ts';

const MAX_WINDOW = 0x7fff_ffff;

/** What one side may send, as the other has allowed it by the octets that really arrived: an independent count of RFC 9113 §6.9. */
export class Allowance {
  #connection = 65_535;
  readonly #streams = new Map<number, number>();
  /** INITIAL_WINDOW_SIZE that is known to be in force, and those that were said since and are not acknowledged. */
  #initial = 65_535;
  #said: number[] = [];

  /** A frame of the side that allows. */
  onAllowing({ type, flags, streamId, payload }: Frame): void {
    if (type === FrameType.WINDOW_UPDATE && payload.length === 4) this.#grow(streamId, payload.readUInt32BE(0) & MAX_WINDOW);
    if (type !== FrameType.SETTINGS || (flags & 1) !== 0) return;
    let size = this.#said.at(-1) ?? this.#initial;
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      if (payload.readUInt16BE(at) === SettingId.INITIAL_WINDOW_SIZE) size = payload.readUInt32BE(at + 2);
    }
    this.#said.push(size);
  }

  /** The side that sends has acknowledged the oldest SETTINGS. Undefined, or what is wrong with that. */
  onAcknowledged(): string | undefined {
    const size = this.#said.shift();
    if (size === undefined) return 'SETTINGS acknowledged that were not sent';
    this.#initial = size;
    return undefined;
  }

  /** DATA of the side that sends, padding included. Undefined, or what is wrong with it. */
  onSending(streamId: number, length: number): string | undefined {
    this.#connection -= length;
    const used = (this.#streams.get(streamId) ?? 0) - length;
    this.#streams.set(streamId, used);
    if (this.#connection < 0) return `DATA on stream ${streamId}: ${-this.#connection} octets beyond the window of the connection`;
    // a change that was not acknowledged may or may not count yet
    const most = Math.max(this.#initial, ...this.#said);
    if (length > 0 && most + used < 0) return `DATA on stream ${streamId}: ${-most - used} octets beyond its window`;
    return undefined;
  }

  /** Undefined, or that a window is larger than any may be. */
  get fault(): string | undefined {
    return this.#connection > MAX_WINDOW ? 'the window of the connection is beyond 2^31-1' : undefined;
  }

  /** What the window of the connection still allows. */
  get left(): number {
    return this.#connection;
  }

  /** What a stream's window still allows. */
  leftOf(streamId: number): number {
    return Math.max(this.#initial, ...this.#said) + (this.#streams.get(streamId) ?? 0);
  }

  #grow(streamId: number, increment: number): void {
    if (streamId === 0) this.#connection += increment;
    else this.#streams.set(streamId, (this.#streams.get(streamId) ?? 0) + increment);
  }
}
