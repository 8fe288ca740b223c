/** Cuts a stream of bytes into lines, however it was chunked. */
export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #pending = 0;

  /** A line is at most `maxBytes` long, without its end. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** How many bytes of an unfinished line are held. */
  get pending(): number {
    return this.#pending;
  }

  /** The lines that end in this chunk, empty ones left out; 'too long' when one is, ended or not. Nothing may be pushed after that. */
  push(chunk: Buffer): readonly string[] | 'too long' {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      if (!this.#hold(chunk.subarray(start, end))) return 'too long';
      const line = this.#take();
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    return this.#hold(chunk.subarray(start)) ? lines : 'too long';
  }

  #hold(part: Buffer): boolean {
    this.#pending += part.length;
    if (this.#pending > this.#maxBytes) return false;
    if (part.length > 0) this.#parts.push(part);
    return true;
  }

  #take(): string {
    const line = Buffer.concat(this.#parts).toString();
    this.#parts = [];
    this.#pending = 0;
    return line;
  }
}
