import { ClosedStreams, type Ending } from './closed-streams.ts';
import { MAX_STREAM_ID } from './protocol.ts';
import type { Stream } from './stream.ts';

/** Ids kept back, so that a connection is replaced before they run out (RFC 9113 §5.1.1). */
const RESERVED_IDS = 1 << 16;

/** The streams of one connection by id, and what is known of those that are gone. */
export class StreamTable {
  readonly #open = new Map<number, Stream>();
  readonly #closed = new ClosedStreams();
  #lastPeerId = 0;
  #nextOwnId = 1;
  /** Streams opened by a client that have no id yet. */
  readonly #unstarted = new Set<Stream>();

  get active(): number {
    return this.#open.size + this.#unstarted.size;
  }

  /** Highest stream id that the peer used. */
  get lastPeerId(): number {
    return this.#lastPeerId;
  }

  get hasIdsLeft(): boolean {
    return this.#nextOwnId + this.#unstarted.size * 2 < MAX_STREAM_ID - RESERVED_IDS;
  }

  get(id: number): Stream | undefined {
    return this.#open.get(id);
  }

  /** The peer began a stream; it may not be accepted in the end. */
  peerBegan(id: number): void {
    this.#lastPeerId = id;
  }

  /** True for ids of the peer's (`server` side) or our own (`client` side) that no frame has named yet, and for ids nobody may use. */
  isIdle(id: number, side: 'server' | 'client'): boolean {
    if (side === 'server') return id > this.#lastPeerId || id % 2 === 0;
    return id >= this.#nextOwnId || id % 2 === 0;
  }

  reserve(stream: Stream): void {
    this.#unstarted.add(stream);
  }

  /** A reserved stream starts: its id. */
  start(stream: Stream): number {
    const id = this.#nextOwnId;
    this.#nextOwnId += 2;
    this.#unstarted.delete(stream);
    this.#open.set(id, stream);
    return id;
  }

  add(stream: Stream): void {
    this.#open.set(stream.id, stream);
  }

  remove(stream: Stream, ending: Ending): void {
    if (stream.id === 0) this.#unstarted.delete(stream);
    else {
      this.#open.delete(stream.id);
      this.#closed.add(stream.id, ending);
    }
  }

  /** A stream that was never let in. */
  refused(id: number): void {
    this.#closed.add(id, 'local');
  }

  endingOf(id: number): Ending | 'forgotten' | 'never' {
    return this.#closed.endingOf(id) ?? (this.#closed.isComplete ? 'never' : 'forgotten');
  }

  /** The streams that have an id, as they are now. */
  list(): Stream[] {
    return [...this.#open.values()];
  }

  /** The streams that wait for their first frame, as they are now. */
  listUnstarted(): Stream[] {
    return [...this.#unstarted];
  }
}
