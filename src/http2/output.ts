import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { isTlsSocket } from '../transport/index.ts';
import type { BufferBudget } from './buffer-budget.ts';
import { borrowSlab, releaseSlab, SLAB_SIZE } from './slab-pool.ts';

/** Above this, DATA is held back in the streams' queues, where windows bound it, instead of in the socket. */
const SOCKET_LIMIT = 262_144;
/** The same while all connections together hold too much. */
const CROWDED_SOCKET_LIMIT = 16_384;

/** Full slabs that leave in one write: a MiB in writes of 512 KiB costs the kernel two thirds of what it costs in writes of 64 KiB. */
const GATHERED_SLABS = 8;

/**
 * Frames on their way to one socket. They are built in place in borrowed slabs; `flush` hands the slabs to the socket as one write.
 * Use: `const at = out.reserve(n)`, fill `out.slab` from `at`, then `out.advance(end)`.
 */
export class Output {
  readonly #socket: Duplex;
  readonly #budget: BufferBudget;
  /** Octets taken from the budget: those that waited when it was last looked at. */
  #taken = 0;
  /** Whether a written buffer may be reused as soon as the socket counts no waiting octets: only Node's own sockets promise that. */
  readonly #isReusing: boolean;
  readonly #reclaimAfterWrite: (() => void) | undefined;
  #slab: Buffer | undefined;
  #end = 0;
  /** Full ones before it, in their order, and how far each is full. */
  #full: { readonly slab: Buffer; readonly end: number }[] = [];
  readonly #gathers: number;
  /** Slabs that the socket still reads. */
  #lent: Buffer[] = [];
  #isFull = false;
  #isOver = false;
  #written = 0;
  #frames = 0;

  /** What waits in the socket is taken from `budget`. */
  constructor(socket: Duplex, budget: BufferBudget) {
    this.#socket = socket;
    this.#budget = budget;
    this.#isReusing = socket instanceof Socket;
    // TLS finishes a third of its writes later, plain TCP almost none: only there is a callback a write worth its price.
    const isTls = isTlsSocket(socket);
    this.#reclaimAfterWrite = isTls ? () => this.reclaim() : undefined;
    // Node copies what goes to TLS in one piece.
    this.#gathers = this.#isReusing && !isTls ? GATHERED_SLABS : 1;
  }

  /** The buffer that `reserve` spoke of. */
  get slab(): Buffer {
    return this.#slab!;
  }

  /** Octets handed to the socket so far. */
  get written(): number {
    return this.#written;
  }

  /** Frames built so far, header blocks counted as one. */
  get frames(): number {
    return this.#frames;
  }

  /** False while the socket holds so much that DATA had better wait. Other frames are always taken. */
  get takesData(): boolean {
    return !this.#isFull;
  }

  /** Of those, the octets that the socket has passed on. */
  get sent(): number {
    return this.#written - this.#socket.writableLength;
  }

  /** Octets that wait in the socket, as far as they are many. */
  get waiting(): number {
    return this.#taken;
  }

  /** The connection is over: nothing of it counts any more. */
  close(): void {
    this.#budget.give(this.#taken);
    this.#taken = 0;
    this.#isOver = true;
  }

  /** Octets free in the slab at hand. */
  get room(): number {
    return this.#slab === undefined ? SLAB_SIZE : SLAB_SIZE - this.#end;
  }

  /** Makes sure that `size` (at most SLAB_SIZE) octets are free in `slab`, and returns where they begin. */
  reserve(size: number): number {
    if (this.#end + size > SLAB_SIZE) this.makeRoom();
    this.#slab ??= borrowSlab();
    return this.#end;
  }

  /** The slab at hand is full enough: the next frame begins another one. */
  makeRoom(): void {
    if (this.#slab === undefined) return;
    if (this.#full.length + 1 >= this.#gathers) {
      this.flush();
      return;
    }
    this.#full.push({ slab: this.#slab, end: this.#end });
    this.#slab = undefined;
    this.#end = 0;
  }

  /** A frame was built up to `end`. */
  advance(end: number): void {
    this.#end = end;
    this.#frames += 1;
  }

  /** Octets too many for a slab, behind what was built so far. `bytes` must not change afterwards. */
  writeThrough(bytes: Buffer): void {
    this.#frames += 1;
    this.flush();
    this.#write(bytes);
    this.#weigh();
  }

  flush(): void {
    if (this.#full.length > 0) {
      this.#flushAll();
      return;
    }
    const slab = this.#slab;
    if (slab === undefined) return;
    const end = this.#end;
    this.#slab = undefined;
    this.#end = 0;
    if (this.#socket.destroyed || !this.#socket.writable) {
      releaseSlab(slab);
    } else if (this.#isReusing) {
      this.#lent.push(slab);
      this.#write(slab.subarray(0, end));
      this.reclaim();
    } else {
      this.#write(Buffer.copyBytesFrom(slab, 0, end));
      this.#weigh();
      releaseSlab(slab);
    }
  }

  /** Several slabs: the socket takes corked writes as one. */
  #flushAll(): void {
    const full = this.#full;
    this.#full = [];
    if (this.#slab !== undefined) full.push({ slab: this.#slab, end: this.#end });
    this.#slab = undefined;
    this.#end = 0;
    this.#socket.cork();
    for (const { slab, end } of full) {
      this.#lent.push(slab);
      this.#write(slab.subarray(0, end));
    }
    this.#socket.uncork();
    this.reclaim();
  }

  /** Takes slabs back when the socket holds nothing; call it on the socket's `drain`. */
  reclaim(): void {
    const waiting = this.#weigh();
    if (waiting > 0 || this.#lent.length === 0) return;
    for (const slab of this.#lent) releaseSlab(slab);
    this.#lent.length = 0;
  }

  #write(bytes: Buffer): void {
    if (this.#socket.destroyed || !this.#socket.writable) return;
    this.#written += bytes.length;
    this.#socket.write(bytes, this.#reclaimAfterWrite);
  }

  /** Octets that wait in the socket; takes them from the budget, and sees whether they are too many for more DATA. */
  #weigh(): number {
    const waiting = this.#socket.writableLength;
    // Fewer are not counted: nothing would tell when they are gone.
    const counted = waiting > CROWDED_SOCKET_LIMIT && this.#socket.writableNeedDrain ? waiting : 0;
    this.#isFull = counted > this.#limit;
    if (counted === this.#taken || this.#isOver) return waiting;
    const more = counted - this.#taken;
    this.#taken = counted;
    if (more > 0) this.#budget.take(more);
    else this.#budget.give(-more);
    return waiting;
  }

  get #limit(): number {
    return this.#budget.isCrowded ? CROWDED_SOCKET_LIMIT : SOCKET_LIMIT;
  }
}
