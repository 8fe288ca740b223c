import { Socket } from 'node:net';

/** How a socket writes: at once; or it keeps the buffers it was given until `passOn`, as a kernel buffer that is full would make it. */
type Writing = 'prompt' | 'held';

/** All sockets read into this one, as the engine's own do: octets that are kept are soon others. */
const READ_BUFFER = Buffer.alloc(65_536);

/**
 * A socket without a network, as strict as sockets are: what it delivers is overwritten by the next read, and what it holds unwritten
 * is read late, so that whoever keeps octets too long or reuses them too early is found.
 */
export class MemorySocket extends Socket {
  /** Gets what was written; not within the write. */
  onWritten: (bytes: Buffer) => void = () => {};
  onFinished: () => void = () => {};
  writing: Writing = 'prompt';
  #held: { readonly chunks: readonly Buffer[]; readonly done: () => void } | undefined;
  #isFinished = false;

  constructor() {
    super({ allowHalfOpen: false });
  }

  /** Octets from the peer. */
  deliver(bytes: Buffer): void {
    if (this.destroyed || this.readableEnded) return;
    if (this.readableFlowing !== true || this.readableLength > 0 || bytes.length > READ_BUFFER.length) {
      this.push(Buffer.from(bytes));
      return;
    }
    bytes.copy(READ_BUFFER);
    this.emit('data', READ_BUFFER.subarray(0, bytes.length));
  }

  /** The peer's side ends. */
  deliverEnd(): void {
    if (!this.destroyed && !this.readableEnded) this.push(null);
  }

  /** Writes what is held. */
  passOn(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    for (const chunk of held.chunks) this.#written(chunk);
    held.done();
  }

  get isHolding(): boolean {
    return this.#held !== undefined;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#take([chunk], done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.#take(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  override _final(done: () => void): void {
    this.#finish();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#held = undefined;
    this.#finish();
    super._destroy(error, done);
  }

  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    process.nextTick(() => this.onFinished());
  }

  #take(chunks: readonly Buffer[], done: () => void): void {
    if (this.writing === 'held') {
      this.#held = { chunks, done };
      return;
    }
    for (const chunk of chunks) this.#written(chunk);
    done();
  }

  #written(chunk: Buffer): void {
    const copy = Buffer.from(chunk);
    process.nextTick(() => this.onWritten(copy));
  }
}

/** Two sockets, each the other's peer. */
export function memoryPair(): [MemorySocket, MemorySocket] {
  const pair: [MemorySocket, MemorySocket] = [new MemorySocket(), new MemorySocket()];
  for (const [near, far] of [pair, [pair[1], pair[0]]] as const) {
    near.onWritten = (bytes) => far.deliver(bytes);
    near.onFinished = () => far.deliverEnd();
  }
  return pair;
}

/** Lets everything happen that needs no more input. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
