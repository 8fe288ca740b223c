import { ClosedStreams, type Ending } from './closed-streams.ts';
import { MAX_STREAM_ID } from './protocol.ts';
import type { Stream } from './stream.ts';
import { StreamSlots } from './stream-slots.ts';

/** Ids kept back, so that a connection is replaced before they run out (RFC 9113 §5.1.1). */
const RESERVED_IDS = 1 << 16;

/** The streams of one connection by id, and what is known of those that are gone. */
export class StreamTable {
  readonly #open = new StreamSlots<Stream>();
  readonly #closed = new ClosedStreams();
  #lastPeerId = 0;
  #nextOwnId: number;
  /** Streams opened by a client that have no id yet. */
  readonly #unstarted: Stream[] = [];

  /** `firstId`: of our own streams, as a client. */
  constructor(firstId = 1) {
    this.#nextOwnId = firstId;
  }

  get active(): number {
    return this.#open.size + this.#unstarted.length;
  }

  /** Highest stream id that the peer used. */
  get lastPeerId(): number {
    return this.#lastPeerId;
  }

  get hasIdsLeft(): boolean {
    return this.#nextOwnId + this.#unstarted.length * 2 < MAX_STREAM_ID - RESERVED_IDS;
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
    this.#unstarted.push(stream);
  }

  /** A reserved stream starts, and gets its id. */
  start(stream: Stream): void {
    const id = this.#nextOwnId;
    this.#nextOwnId += 2;
    this.#dropUnstarted(stream);
    stream.id = id;
    this.#open.add(stream);
  }

  add(stream: Stream): void {
    this.#open.add(stream);
  }

  remove(stream: Stream, ending: Ending): void {
    if (stream.id === 0) this.#dropUnstarted(stream);
    else {
      this.#open.delete(stream);
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
    return this.#open.list();
  }

  /** The streams that wait for their first frame, as they are now. */
  listUnstarted(): Stream[] {
    return [...this.#unstarted];
  }

  #dropUnstarted(stream: Stream): void {
    const index = this.#unstarted.indexOf(stream);
    if (index >= 0) this.#unstarted.splice(index, 1);
  }
}
