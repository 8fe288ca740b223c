import { copyOctets } from '../../core/index.ts';
import { DEFAULT_HEADER_TABLE_SIZE } from '../protocol.ts';
import type { HeaderBlock } from '../types.ts';
import { BlockMemory, MAX_OCTETS } from './block-memory.ts';
import { DynamicTable } from './dynamic-table.ts';
import type { FieldName } from './field-name.ts';
import type { HeaderField, ValueBytes } from './header-field.ts';
import { encodeHuffman, huffmanLength } from './huffman.ts';
import { writeInteger, writeText } from './primitives.ts';

/** Values that are new each time, and secrets, which must not meet other clients' values in one table (RFC 7541 §7.1). */
const UNINDEXED: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'cookie',
  'grpc-timeout',
  'proxy-authorization',
  'set-cookie',
  'traceparent',
  'tracestate',
  'x-request-id',
]);
/** A name with this many insertions, and fewer hits than insertions, is held to vary. */
const TRIALS = 8;
/** Entries of one name that are searched for an equal value. */
const SEARCHED_ENTRIES = 4;
const STATIC_COUNT = 61;
/** Octets that two table size updates take at most. */
const UPDATES_BOUND = 12;
/** Octets of a literal beside its name and value. */
const LITERAL_BOUND = 13;

const INDEXED = 0x80;
const LITERAL_INDEXED = 0x40;
const SIZE_UPDATE = 0x20;
const LITERAL_NEVER = 0x10;
const LITERAL = 0x00;

/** What was seen of one name: where its newest entries are and whether inserting it was of use. */
interface NameHistory {
  /** Where in the table they were put, newest last; numbers, so that what has left the table is kept by nobody. */
  readonly slots: number[];
  hits: number;
  insertions: number;
  readonly isIndexed: boolean;
}

let nextNumber = 1;

/** Encodes header blocks of one direction of one connection (RFC 7541). Values that came in octets go out in the same octets. */
export class HpackEncoder {
  // Fields that outlive connections name their last encoder by its number: a reference would keep all that this has in its table.
  readonly #number = nextNumber++;
  readonly #table = new DynamicTable(DEFAULT_HEADER_TABLE_SIZE);
  readonly #names = new Map<FieldName, NameHistory>();
  readonly #memory = new BlockMemory();
  #smallestSize = Number.POSITIVE_INFINITY;
  #announcedSize = DEFAULT_HEADER_TABLE_SIZE;

  /** The peer's SETTINGS_HEADER_TABLE_SIZE; the next block announces what we make of it (§4.2). */
  setPeerTableSize(size: number): void {
    const own = Math.min(size, DEFAULT_HEADER_TABLE_SIZE);
    this.#smallestSize = Math.min(this.#smallestSize, own);
    this.#table.setMaxSize(own);
  }

  /** How many octets `encode` may write at most. */
  bound(block: HeaderBlock): number {
    let bound = UPDATES_BOUND + MAX_OCTETS;
    for (let index = 0; index < block.length; index += 1) {
      const { fieldName, wire, size } = block[index] as HeaderField;
      // An own text goes out plain or shorter; `size` covers name and text.
      bound += LITERAL_BOUND + (wire === undefined ? size : fieldName.text.length + wire.length);
    }
    return bound;
  }

  /** Writes the block at `at`; returns where it ends. Must be called in the order in which blocks go out. */
  encode(block: HeaderBlock, target: Buffer, at: number): number {
    const { version } = this.#table;
    const isSteady = this.#smallestSize === Number.POSITIVE_INFINITY;
    const known = isSteady ? this.#memory.write(block, version, target, at) : -1;
    if (known >= 0) return known;
    let end = this.#writeSizeUpdates(target, at);
    for (let index = 0; index < block.length; index += 1) end = this.#writeField(block[index] as HeaderField, target, end);
    if (isSteady && version === this.#table.version) this.#memory.keep(block, version, target, at, end);
    return end;
  }

  #writeSizeUpdates(target: Buffer, at: number): number {
    if (this.#smallestSize === Number.POSITIVE_INFINITY) return at;
    const { maxSize } = this.#table;
    let end = at;
    const wasSmaller = this.#smallestSize < maxSize;
    if (wasSmaller) {
      // Down to 0 instead of the smallest: Go takes a second update only while the table is empty.
      this.#table.setMaxSize(0);
      this.#table.setMaxSize(maxSize);
      end = writeInteger(target, end, SIZE_UPDATE, 5, 0);
    }
    if (wasSmaller || maxSize !== this.#announcedSize) end = writeInteger(target, end, SIZE_UPDATE, 5, maxSize);
    this.#announcedSize = maxSize;
    this.#smallestSize = Number.POSITIVE_INFINITY;
    return end;
  }

  #writeField(field: HeaderField, target: Buffer, at: number): number {
    if (field.staticIndex !== 0) return writeInteger(target, at, INDEXED, 7, field.staticIndex);
    if (field.tableOwner === this.#number && this.#table.holds(field.tableSlot)) return this.#writeIndexed(field.tableSlot, target, at);
    const { fieldName } = field;
    if (field.neverIndexed || !fieldName.isKept) {
      return writeLiteral(field, field.neverIndexed ? LITERAL_NEVER : LITERAL, 4, fieldName.staticIndex, target, at);
    }
    return this.#writeByHistory(field, this.#historyOf(fieldName), target, at);
  }

  #writeByHistory(field: HeaderField, history: NameHistory, target: Buffer, at: number): number {
    const varies = !history.isIndexed || (history.insertions >= TRIALS && history.hits < history.insertions);
    const known = varies ? -1 : this.#findEqual(field, history.slots);
    if (known >= 0) {
      history.hits += 1;
      field.tableOwner = this.#number;
      field.tableSlot = known;
      return this.#writeIndexed(known, target, at);
    }
    const newest = history.slots.at(-1);
    const dynamicIndex = newest !== undefined && this.#table.holds(newest) ? this.#indexOf(newest) : 0;
    const nameIndex = field.fieldName.staticIndex || dynamicIndex;
    // A varying name is inserted all the same while the table has no index for the name itself.
    if ((varies && nameIndex !== 0) || field.size > this.#table.maxSize) return writeLiteral(field, LITERAL, 4, nameIndex, target, at);
    this.#insert(field, history);
    return writeLiteral(field, LITERAL_INDEXED, 6, nameIndex, target, at);
  }

  #writeIndexed(slot: number, target: Buffer, at: number): number {
    return writeInteger(target, at, INDEXED, 7, this.#indexOf(slot));
  }

  #indexOf(slot: number): number {
    return STATIC_COUNT + this.#table.inserted - slot;
  }

  #insert(field: HeaderField, history: NameHistory): void {
    // A copy of its own: the field's octets may lie in a buffer that many requests share.
    field.wire = field.wire === undefined ? shortestWire(field.value) : ownWire(field.wire);
    field.tableOwner = this.#number;
    field.tableSlot = this.#table.inserted;
    this.#table.insert(field);
    history.insertions += 1;
    if (history.slots.length === SEARCHED_ENTRIES) history.slots.shift();
    history.slots.push(field.tableSlot);
  }

  /** The slot of an entry with the same value, or -1. */
  #findEqual(field: HeaderField, slots: readonly number[]): number {
    for (let index = slots.length - 1; index >= 0; index -= 1) {
      const slot = slots[index]!;
      const entry = this.#table.bySlot(slot);
      if (entry === undefined) return -1;
      if (entry === field || (entry.size === field.size && entry.value === field.value)) return slot;
    }
    return -1;
  }

  #historyOf(name: FieldName): NameHistory {
    if (name.historyOwner === this.#number) return name.history as NameHistory;
    let history = this.#names.get(name);
    if (history === undefined) {
      history = { slots: [], hits: 0, insertions: 0, isIndexed: !UNINDEXED.has(name.text) };
      this.#names.set(name, history);
    }
    name.historyOwner = this.#number;
    name.history = history;
    return history;
  }
}

function shortestWire(text: string): ValueBytes {
  const isHuffman = huffmanLength(text) < text.length;
  const bytes = isHuffman ? encodeHuffman(text) : Buffer.from(text, 'latin1');
  return { bytes, start: 0, length: bytes.length, isHuffman };
}

function ownWire(wire: ValueBytes): ValueBytes {
  if (wire.bytes.length === wire.length) return wire;
  const bytes = Buffer.allocUnsafeSlow(wire.length);
  wire.bytes.copy(bytes, 0, wire.start, wire.start + wire.length);
  return { bytes, start: 0, length: wire.length, isHuffman: wire.isHuffman };
}

function writeLiteral(field: HeaderField, pattern: number, prefixBits: number, nameIndex: number, target: Buffer, at: number): number {
  let end = writeInteger(target, at, pattern, prefixBits, nameIndex);
  if (nameIndex === 0) end = writeText(target, writeInteger(target, end, 0, 7, field.fieldName.text.length), field.fieldName.text);
  const { wire } = field;
  if (wire === undefined) {
    const text = field.value;
    return writeText(target, writeInteger(target, end, 0, 7, text.length), text);
  }
  end = writeInteger(target, end, wire.isHuffman ? 0x80 : 0, 7, wire.length);
  return copyOctets(wire.bytes, wire.start, wire.length, target, end);
}
