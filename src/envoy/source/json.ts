// JSON text (RFC 8259, and a comma before the end of a list, which Envoy takes too) to source nodes.
import type { Position } from '../problem.ts';
import type { SourceDocument, SourceEntry, SourceNode } from './node.ts';

/** Deeper than this is refused: no configuration is, and a stack has an end. */
const MAX_DEPTH = 200;

class JsonError extends Error {
  readonly offset: number;

  constructor(offset: number, text: string) {
    super(text);
    this.offset = offset;
  }
}

/** Parses a JSON text; an empty one has no root. */
export function parseJson(text: string): SourceDocument {
  const scanner = new Scanner(text);
  try {
    return { root: scanner.document(), errors: [], warnings: [] };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return { root: null, errors: [{ at: scanner.position(error.offset), text: `invalid JSON: ${error.message}` }], warnings: [] };
  }
}

class Scanner {
  readonly #text: string;
  readonly #lineStarts: number[] = [0];
  #offset = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    for (let index = text.indexOf('\n'); index >= 0; index = text.indexOf('\n', index + 1)) this.#lineStarts.push(index + 1);
  }

  position(offset: number): Position {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.#lineStarts[low] as number) + 1 };
  }

  document(): SourceNode | null {
    if (this.#text.charCodeAt(0) === 0xfeff) this.#offset = 1;
    this.#space();
    if (this.#offset === this.#text.length) return null;
    const value = this.#value();
    this.#space();
    if (this.#offset < this.#text.length) this.#fail('unexpected text after the document');
    return value;
  }

  #value(): SourceNode {
    const start = this.#offset;
    const at = this.position(start);
    const first = this.#text[start];
    if (first === '{' || first === '[') {
      if (++this.#depth > MAX_DEPTH) this.#fail(`nested deeper than ${MAX_DEPTH}`);
      const result: SourceNode = first === '{' ? { kind: 'map', at, entries: this.#entries() } : { kind: 'list', at, items: this.#items() };
      this.#depth -= 1;
      return result;
    }
    if (first === '"') {
      const value = this.#string();
      return { kind: 'scalar', at, value, text: value };
    }
    return this.#literal(start, at);
  }

  #literal(start: number, at: Position): SourceNode {
    const literal = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null/y;
    literal.lastIndex = start;
    const text = literal.exec(this.#text)?.[0];
    if (text === undefined || text === '') this.#fail(`unexpected ${this.#here()}`);
    this.#offset = start + text.length;
    if (/[\w.]/.test(this.#text[this.#offset] ?? '')) this.#fail(`unexpected ${this.#here()}`);
    return { kind: 'scalar', at, value: JSON.parse(text) as number | boolean | null, text };
  }

  #entries(): SourceEntry[] {
    const entries: SourceEntry[] = [];
    this.#list('}', () => {
      const keyAt = this.position(this.#offset);
      if (this.#text[this.#offset] !== '"') this.#fail(`unexpected ${this.#here()}, expected a key in double quotes`);
      const key = this.#string();
      this.#space();
      if (this.#text[this.#offset] !== ':') this.#fail(`unexpected ${this.#here()}, expected ':'`);
      this.#offset += 1;
      this.#space();
      entries.push({ key, keyAt, value: this.#value() });
    });
    return entries;
  }

  #items(): SourceNode[] {
    const items: SourceNode[] = [];
    this.#list(']', () => items.push(this.#value()));
    return items;
  }

  #list(end: string, read: () => void): void {
    this.#offset += 1;
    this.#space();
    while (this.#text[this.#offset] !== end) {
      read();
      this.#space();
      const next = this.#text[this.#offset];
      if (next === end) break;
      if (next !== ',') this.#fail(`unexpected ${this.#here()}, expected ',' or '${end}'`);
      this.#offset += 1;
      this.#space();
    }
    this.#offset += 1;
  }

  #string(): string {
    const start = this.#offset;
    let end = start + 1;
    for (;;) {
      const code = this.#text.charCodeAt(end);
      if (Number.isNaN(code) || code < 0x20) {
        this.#offset = Math.min(end, this.#text.length);
        this.#fail('a string that does not end on its line');
      }
      if (code === 0x22) break;
      end += code === 0x5c ? 2 : 1;
    }
    const raw = this.#text.slice(start, end + 1);
    this.#offset = end + 1;
    try {
      return JSON.parse(raw) as string;
    } catch {
      this.#offset = start;
      this.#fail('a string with a bad escape');
    }
  }

  #space(): void {
    while (/[ \t\r\n]/.test(this.#text[this.#offset] ?? '')) this.#offset += 1;
  }

  #here(): string {
    const character = this.#text[this.#offset];
    return character === undefined ? 'end of text' : `character '${character}'`;
  }

  #fail(text: string): never {
    throw new JsonError(this.#offset, text);
  }
}
