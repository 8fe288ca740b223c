import { Http2Error } from '../errors.ts';
import { DEFAULT_HEADER_TABLE_SIZE, ErrorCode } from '../protocol.ts';
import { ByteArena } from './byte-arena.ts';
import { DynamicTable } from './dynamic-table.ts';
import { type FieldName, internName } from './field-name.ts';
import { FIELD_OVERHEAD, HeaderField, staticFields } from './header-field.ts';
import { decodeHuffman, refusedInValue, scanHuffman } from './huffman.ts';
import { SeenBlocks } from './seen-blocks.ts';

/** Bounds of one header list; beyond them fields are still decoded (the table must stay in step) but no longer kept. */
export interface HeaderListLimits {
  /** Sum of name + value + 32 over the fields. */
  readonly maxBytes: number;
  readonly maxFields: number;
}

const STATIC_COUNT = 61;
/** A longer name or value is no honest one; nghttp2, and so Envoy, ends the connection for it as well. */
const MAX_TEXT = 65_536;
/** Values outside a table share chunks: a field pins at most one, and only as long as its request lives. */
const VALUE_CHUNK = 8192;
const valueArena = new ByteArena(VALUE_CHUNK);

/** Decodes header blocks of one direction of one connection (RFC 7541). Any fault is a COMPRESSION_ERROR of the connection. */
export class HpackDecoder {
  readonly #limits: HeaderListLimits;
  readonly #table = new DynamicTable(DEFAULT_HEADER_TABLE_SIZE);
  // Entries of a table of n octets were inserted within the last n octets of values: they pin two chunks of that size at most.
  readonly #tableArena = new ByteArena(DEFAULT_HEADER_TABLE_SIZE);
  #maxTableSize = DEFAULT_HEADER_TABLE_SIZE;
  #mustShrinkTo = Number.POSITIVE_INFINITY;
  readonly #seen = new SeenBlocks();
  #at = 0;
  #end = 0;
  /** The block at hand has had nothing but indexes so far. */
  #isIndexedOnly = true;
  #isTooLarge = false;

  constructor(limits: HeaderListLimits) {
    this.#limits = limits;
  }

  /** The peer acknowledged our SETTINGS_HEADER_TABLE_SIZE: a smaller one must be announced at the start of its next block (§4.2). */
  setMaxTableSize(size: number): void {
    this.#maxTableSize = size;
    if (size < this.#table.maxSize) this.#mustShrinkTo = size;
  }

  /** Of a list over its limits: whether it had too many octets, not just too many fields. */
  get wasTooLarge(): boolean {
    return this.#isTooLarge;
  }

  /** One complete block; the same array for a block that came before. Undefined when the list is over its limits. `bytes` is not kept. */
  decode(bytes: Buffer, start: number, end: number): readonly HeaderField[] | undefined {
    const isSteady = this.#mustShrinkTo === Number.POSITIVE_INFINITY;
    const known = isSteady ? this.#seen.find(bytes, start, end, this.#table.version) : undefined;
    if (known !== undefined) return known;
    const fields = this.#decode(bytes, start, end);
    if (fields !== undefined && this.#isIndexedOnly) this.#seen.keep(bytes, start, end, this.#table.version, fields);
    return fields;
  }

  #decode(bytes: Buffer, start: number, end: number): HeaderField[] | undefined {
    const fields: HeaderField[] = [];
    this.#isIndexedOnly = true;
    this.#at = start;
    this.#end = end;
    this.#readSizeUpdates(bytes);
    let left = this.#limits.maxBytes;
    let count = 0;
    while (this.#at < end) {
      const entry = this.#readField(bytes);
      left -= entry.size;
      count += 1;
      if (left >= 0 && count <= this.#limits.maxFields) fields.push(entry);
    }
    this.#isTooLarge = left < 0;
    return fields.length < count ? undefined : fields;
  }

  #readSizeUpdates(bytes: Buffer): void {
    let updates = 0;
    while (this.#at < this.#end && (bytes[this.#at]! & 0xe0) === 0x20) {
      const size = this.#readInteger(bytes, 5);
      updates += 1;
      this.#isIndexedOnly = false;
      if (size > this.#maxTableSize) throw broken(`table size update to ${size}, at most ${this.#maxTableSize} is allowed`);
      // At most two are of use: the smallest and the last (§4.2).
      if (updates > 2) throw broken('more than two table size updates in one block');
      if (size <= this.#mustShrinkTo) this.#mustShrinkTo = Number.POSITIVE_INFINITY;
      this.#table.setMaxSize(size);
    }
    if (this.#mustShrinkTo !== Number.POSITIVE_INFINITY) throw broken('no table size update after SETTINGS lowered it');
  }

  #readField(bytes: Buffer): HeaderField {
    const first = bytes[this.#at]!;
    if (first >= 0x80) return this.#lookUp(this.#readInteger(bytes, 7));
    if (first >= 0x40) {
      const entry = this.#readLiteral(bytes, 6, this.#tableArena, false);
      this.#table.insert(entry);
      return entry;
    }
    if (first >= 0x20) throw broken('table size update after a field');
    return this.#readLiteral(bytes, 4, valueArena, first >= 0x10);
  }

  #lookUp(index: number): HeaderField {
    const entry = index <= STATIC_COUNT ? staticFields[index] : this.#table.at(index - STATIC_COUNT - 1);
    if (entry === undefined) throw broken(`index ${index} is in no table`);
    return entry;
  }

  #readLiteral(bytes: Buffer, prefixBits: number, arena: ByteArena, neverIndexed: boolean): HeaderField {
    this.#isIndexedOnly = false;
    const index = this.#readInteger(bytes, prefixBits);
    const name = index === 0 ? this.#readName(bytes) : this.#lookUp(index).fieldName;
    const isHuffman = this.#peek(bytes) >= 0x80;
    const length = this.#readLength(bytes);
    const from = this.#at;
    this.#at += length;
    let decodedLength = length;
    let refused = 0;
    if (isHuffman) {
      const scan = scanHuffman(bytes, from, this.#at);
      if (scan < 0) throw broken('bad Huffman code');
      decodedLength = scan >>> 1;
      refused = scan & 1;
    } else {
      for (let at = from; at < this.#at; at += 1) refused |= refusedInValue[bytes[at]!]!;
    }
    const start = arena.add(bytes, from, this.#at);
    return new HeaderField(
      name,
      { bytes: arena.chunk, start, length, isHuffman },
      { size: name.text.length + decodedLength + FIELD_OVERHEAD, neverIndexed, hasCleanValue: refused === 0, staticIndex: 0 },
    );
  }

  #readName(bytes: Buffer): FieldName {
    const isHuffman = this.#peek(bytes) >= 0x80;
    const length = this.#readLength(bytes);
    const from = this.#at;
    this.#at += length;
    if (!isHuffman) return internName(bytes.toString('latin1', from, this.#at));
    if (scanHuffman(bytes, from, this.#at) < 0) throw broken('bad Huffman code');
    return internName(decodeHuffman(bytes, from, this.#at));
  }

  #peek(bytes: Buffer): number {
    if (this.#at >= this.#end) throw broken('block ends inside a field');
    return bytes[this.#at]!;
  }

  #readLength(bytes: Buffer): number {
    const length = this.#readInteger(bytes, 7);
    if (length > this.#end - this.#at) throw broken('block ends inside a field');
    if (length > MAX_TEXT) throw broken(`a name or value of ${length} octets, at most ${MAX_TEXT} are allowed`);
    return length;
  }

  /** §5.1; at most 28 bits, more is no length or index that could be honest. */
  #readInteger(bytes: Buffer, prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.#peek(bytes) & mask;
    this.#at += 1;
    if (value < mask) return value;
    for (let shift = 0; shift < 28; shift += 7) {
      const octet = this.#peek(bytes);
      this.#at += 1;
      value += (octet & 0x7f) << shift;
      if (octet < 0x80) return value;
    }
    throw broken('integer of more than 28 bits');
  }
}

function broken(what: string): Http2Error {
  return new Http2Error(ErrorCode.COMPRESSION_ERROR, `hpack: ${what}`);
}
