import { RingwayError } from '../../core/index.ts';
import type { Field, HeaderBlock } from '../types.ts';
import { type FieldName, internName, NameKind } from './field-name.ts';
import { decodeHuffman, refusedInValue } from './huffman.ts';
import { STATIC_ENTRIES } from './static-table.ts';

/** What each table entry costs beside its octets (RFC 7541 §4.1); also counted by SETTINGS_MAX_HEADER_LIST_SIZE. */
export const FIELD_OVERHEAD = 32;

/** The octets of a value as they came; they must not change afterwards. */
export interface ValueBytes {
  readonly bytes: Buffer;
  readonly start: number;
  readonly length: number;
  readonly isHuffman: boolean;
}

/** The only Field there is inside the engine: value as text, as octets, or both. */
export class HeaderField implements Field {
  readonly fieldName: FieldName;
  readonly neverIndexed: boolean;
  /** Name and decoded value in octets, plus FIELD_OVERHEAD. */
  readonly size: number;
  /** False when the value has an octet that RFC 9110 §5.5 forbids. */
  readonly hasCleanValue: boolean;
  /** Absent while only the text is known. */
  wire: ValueBytes | undefined;
  /** Index of this very name and value in the static table, or 0. */
  readonly staticIndex: number;
  // Which encoder (0: none) last put this field where in its dynamic table. Most go through one encoder, so one place to look suffices.
  tableOwner = 0;
  tableSlot = 0;
  memo: unknown = undefined;
  /** What the rules of RFC 9113 §8.3 found (`header-rules`): '' when all is well; undefined before they looked. */
  fault: string | undefined = undefined;
  /** A number that they found on the way; what it says depends on the name. */
  fact = 0;
  #text: string | undefined;

  constructor(
    name: FieldName,
    value: string | ValueBytes,
    facts: { readonly size: number; readonly neverIndexed: boolean; readonly hasCleanValue: boolean; readonly staticIndex: number },
  ) {
    this.fieldName = name;
    this.neverIndexed = facts.neverIndexed;
    this.size = facts.size;
    this.hasCleanValue = facts.hasCleanValue;
    this.staticIndex = facts.staticIndex;
    this.#text = typeof value === 'string' ? value : undefined;
    this.wire = typeof value === 'string' ? undefined : value;
  }

  get name(): string {
    return this.fieldName.text;
  }

  get value(): string {
    this.#text ??= this.#decode();
    return this.#text;
  }

  #decode(): string {
    const { bytes, start, length, isHuffman } = this.wire!;
    return isHuffman ? decodeHuffman(bytes, start, start + length) : bytes.toString('latin1', start, start + length);
  }
}

const staticIndexes = new Map(STATIC_ENTRIES.map(([name, value], index) => [`${name}\0${value ?? ''}`, index + 1]));

/** The static table's fields by index; 0 is unused. */
export const staticFields: readonly (HeaderField | undefined)[] = [
  undefined,
  ...STATIC_ENTRIES.map(([name, value]) => createField(name, value ?? '', false)),
];

/**
 * A field of our own. `name` in lower case. Throws RingwayError `BAD_HEADER` when the name is no token or pseudo-header field, or the
 * value is not latin-1 or has control characters (RFC 9110 §5.5). Make constant fields once: encoders remember the object.
 * `neverIndexed` keeps a secret out of every compression table on the way.
 */
export function field(name: string, value: string, options: { readonly neverIndexed?: boolean } = {}): Field {
  return createField(name, value, options.neverIndexed === true);
}

function createField(name: string, value: string, neverIndexed: boolean): HeaderField {
  const fieldName = internName(name);
  if (fieldName.kind === NameKind.INVALID) refuseName(name);
  assertValue(name, value);
  return new HeaderField(fieldName, value, {
    size: name.length + value.length + FIELD_OVERHEAD,
    neverIndexed,
    hasCleanValue: true,
    staticIndex: neverIndexed ? 0 : (staticIndexes.get(`${name}\0${value}`) ?? 0),
  });
}

function assertValue(name: string, value: string): void {
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    if (code > 0xff || refusedInValue[code] === 1) {
      throw new RingwayError(`header ${name}: character ${code} at ${index} may not be in a value (latin-1 without control characters)`, {
        code: 'BAD_HEADER',
      });
    }
  }
}

/** The octets of a field's value where they are at hand as they are, not Huffman-coded; else undefined. They must not be changed. */
export function plainOctets(one: Field): ValueBytes | undefined {
  const { wire } = one as HeaderField;
  return wire === undefined || wire.isHuffman ? undefined : wire;
}

/** A block of fields of our own; put pseudo-header fields first. Throws as `field` does. */
export function headerBlock(fields: Iterable<readonly [name: string, value: string]>): HeaderBlock {
  return Array.from(fields, ([name, value]) => field(name, value));
}

/** A response's status: its first field. NaN when that is not :status. */
export function statusOf(block: HeaderBlock): number {
  const first = block[0] as HeaderField | undefined;
  if (first?.fieldName.kind !== NameKind.STATUS) return Number.NaN;
  // Peers' fields were checked, and the number was noted then.
  return first.fact || Number(first.value);
}

/** The first field called `name` (lower case), or undefined. */
export function findField(block: HeaderBlock, name: string): Field | undefined {
  for (let index = 0; index < block.length; index += 1) {
    if (block[index]!.name === name) return block[index];
  }
  return undefined;
}

/**
 * A field of our own whose value is octets: bytes[start, start + length), which must stay as they are and have no control characters
 * (RFC 9110 §5.5; not checked). For values that are new each time: no text is made of them. Throws as `field` does for the name.
 */
export function octetField(name: string, bytes: Buffer, start: number, length: number): Field {
  const fieldName = internName(name);
  if (fieldName.kind === NameKind.INVALID) refuseName(name);
  return new HeaderField(
    fieldName,
    { bytes, start, length, isHuffman: false },
    { size: name.length + length + FIELD_OVERHEAD, neverIndexed: false, hasCleanValue: true, staticIndex: 0 },
  );
}

function refuseName(name: string): never {
  throw new RingwayError(`"${name}" is not a header name (lower-case letters, digits and - _ . are usual)`, { code: 'BAD_HEADER' });
}
