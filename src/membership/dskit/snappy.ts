// The snappy block format: https://github.com/google/snappy/blob/main/format_description.txt. Decoded by hand: snappyjs takes a
// truncated block for a good one and can be made to loop for ever, and these bytes come from the network.
import { compress } from 'snappyjs';
import { RingwayError } from '../../core/index.ts';
import { MAX_RING_BYTES } from './limits.ts';

/** The decoded block. Throws RingwayError `BAD_SNAPPY` when it is truncated, refers outside itself, or is larger than `maxBytes`. */
export function decodeSnappyBlock(block: Uint8Array, maxBytes: number = MAX_RING_BYTES): Uint8Array {
  const { length, start } = readLength(block);
  if (length > maxBytes) throw bad(`is ${length} bytes when decoded, at most ${maxBytes} are allowed`);
  const output = new Uint8Array(length);
  let at = start;
  let written = 0;
  while (at < block.length) {
    const tag = block[at] as number;
    const element = (tag & 3) === 0 ? readLiteral(block, at) : readCopy(block, at);
    if (element.length > length - written) throw bad(`holds more than the ${length} bytes it announces`);
    if ('offset' in element) copyWithin(output, written, element);
    else writeLiteral(output, written, block, element);
    written += element.length;
    at = element.next;
  }
  if (written !== length) throw bad(`ends after ${written} of ${length} bytes`);
  return output;
}

/** A block as any snappy decoder reads it. */
export function encodeSnappyBlock(bytes: Uint8Array): Uint8Array {
  return compress(bytes);
}

function bad(what: string): RingwayError {
  return new RingwayError(`the snappy block ${what}`, { code: 'BAD_SNAPPY' });
}

/** The announced length: a varint of up to 32 bits. */
function readLength(block: Uint8Array): { readonly length: number; readonly start: number } {
  let length = 0;
  for (let i = 0; i < 5; i += 1) {
    const byte = block[i];
    if (byte === undefined) throw bad('ends within its length');
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80 && length < 2 ** 32) return { length, start: i + 1 };
  }
  throw bad('has no valid length');
}

interface Literal {
  readonly length: number;
  readonly from: number;
  readonly next: number;
}

function readLiteral(block: Uint8Array, at: number): Literal {
  const short = (block[at] as number) >>> 2;
  const extra = short < 60 ? 0 : short - 59;
  const length = (extra === 0 ? short : littleEndian(block, at + 1, extra)) + 1;
  const from = at + 1 + extra;
  if (from + length > block.length) throw bad('ends within a literal');
  return { length, from, next: from + length };
}

/** A view costs more than so many octets one by one. */
const SHORT = 32;

function writeLiteral(output: Uint8Array, written: number, block: Uint8Array, { from, length }: Literal): void {
  if (length > SHORT) output.set(block.subarray(from, from + length), written);
  else for (let i = 0; i < length; i += 1) output[written + i] = block[from + i] as number;
}

interface Copy {
  readonly length: number;
  readonly offset: number;
  readonly next: number;
}

function readCopy(block: Uint8Array, at: number): Copy {
  const tag = block[at] as number;
  if ((tag & 3) === 1) return { length: ((tag >>> 2) & 7) + 4, offset: ((tag >>> 5) << 8) + littleEndian(block, at + 1, 1), next: at + 2 };
  const width = (tag & 3) === 2 ? 2 : 4;
  return { length: (tag >>> 2) + 1, offset: littleEndian(block, at + 1, width), next: at + 1 + width };
}

/** Source and target may overlap: the copy then repeats what it has just written. */
function copyWithin(output: Uint8Array, written: number, { length, offset }: Copy): void {
  if (offset === 0 || offset > written) throw bad('refers to bytes before its beginning');
  for (let i = 0; i < length; i += 1) output[written + i] = output[written - offset + i] as number;
}

function littleEndian(block: Uint8Array, at: number, width: number): number {
  if (at + width > block.length) throw bad('ends within a tag');
  let value = 0;
  for (let i = width - 1; i >= 0; i -= 1) value = value * 256 + (block[at + i] as number);
  return value;
}
