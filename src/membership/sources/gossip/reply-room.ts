/** Octets of replies that are under way at the same time, of all peers of one source. */
const MAX_UNDER_WAY_BYTES = 64 * 1024 * 1024;

/** Room for replies while they come in: sixteen peers that each send the most that one may are more memory than a small process has. */
export class ReplyRoom {
  #left = MAX_UNDER_WAY_BYTES;

  /** Whether there is room for so many octets more; they then count until `give`. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}
