/** How a stream ended: `local` = we sent RST_STREAM, so frames still under way are no fault of the peer. */
export type Ending = 'completed' | 'peer' | 'local';

const REMEMBERED = 64;
const endings: readonly Ending[] = ['completed', 'peer', 'local'];

/** Remembers how the last streams of a connection ended (RFC 9113 §5.1, `closed`). Grows with them: most connections have few. */
export class ClosedStreams {
  readonly #ids: number[] = [];
  readonly #endings: number[] = [];
  #next = 0;

  add(streamId: number, ending: Ending): void {
    this.#ids[this.#next] = streamId;
    this.#endings[this.#next] = endings.indexOf(ending);
    this.#next = (this.#next + 1) % REMEMBERED;
  }

  /** Undefined when forgotten, or never open. */
  endingOf(streamId: number): Ending | undefined {
    const index = this.#ids.indexOf(streamId);
    return index < 0 ? undefined : endings[this.#endings[index]!];
  }

  /** True while nothing was forgotten: then an unknown stream below the highest was never open. */
  get isComplete(): boolean {
    return this.#ids.length < REMEMBERED;
  }
}
