import { GrowingBytes } from '../../../core/index.ts';

/** Cuts a stream of bytes into lines, however it was chunked. */
export class LineSplitter {
  readonly #maxBytes: number;
  #line: GrowingBytes;

  /** A line is at most `maxBytes` long, without its end. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#line = new GrowingBytes(maxBytes);
  }

  /** How many bytes of an unfinished line are held. */
  get pending(): number {
    return this.#line.length;
  }

  /** The lines that end in this chunk, empty ones left out; 'too long' when one is, ended or not. Nothing may be pushed after that. */
  push(chunk: Buffer): readonly string[] | 'too long' {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      if (!this.#line.add(chunk.subarray(start, end))) return 'too long';
      const line = this.#take();
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    return this.#line.add(chunk.subarray(start)) ? lines : 'too long';
  }

  #take(): string {
    const line = this.#line.view().toString();
    this.#line = new GrowingBytes(this.#maxBytes);
    return line;
  }
}
