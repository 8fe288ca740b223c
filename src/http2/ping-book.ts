import type { Clock } from '../core/index.ts';

/** The first octets of our pings; the last four count them. */
const TAG = 0x5257_0001;

interface Sent {
  readonly serial: number;
  readonly atMs: number;
  readonly onAck: (roundTripMs: number) => void;
}

/** Our pings that wait for their answer. */
export class PingBook {
  readonly #clock: Clock;
  readonly #sent: Sent[] = [];
  #serial = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The eight octets of a new ping. */
  add(onAck: (roundTripMs: number) => void): Buffer {
    this.#serial = (this.#serial + 1) >>> 0;
    this.#sent.push({ serial: this.#serial, atMs: this.#clock.monotonicMs(), onAck });
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE(TAG, 0);
    bytes.writeUInt32BE(this.#serial, 4);
    return bytes;
  }

  /** An ACK that answers none of ours is ignored. */
  acknowledged(bytes: Buffer, start: number): void {
    if (bytes.readUInt32BE(start) !== TAG) return;
    const serial = bytes.readUInt32BE(start + 4);
    const index = this.#sent.findIndex((sent) => sent.serial === serial);
    if (index < 0) return;
    const [found] = this.#sent.splice(index, 1);
    found!.onAck(this.#clock.monotonicMs() - found!.atMs);
  }
}
