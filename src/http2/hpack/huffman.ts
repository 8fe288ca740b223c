// RFC 7541 §5.2.
import { codeLengths, codes, FAILS, mayEnd, transitions } from './huffman-code.ts';

/** Octets that RFC 9110 §5.5 keeps out of a field value: controls but for tab, and DEL. 1 = refused. */
export const refusedInValue: Uint8Array = Uint8Array.from({ length: 256 }, (_, octet) =>
  (octet < 0x20 && octet !== 0x09) || octet === 0x7f ? 1 : 0,
);

/**
 * Looks over Huffman-coded octets without building the text: -1 when they are not valid (EOS inside, wrong padding: RFC 7541 §5.2),
 * else twice the decoded length, plus one when an octet is in it that no field value may have.
 */
export function scanHuffman(bytes: Uint8Array, start: number, end: number): number {
  let state = 0;
  let length = 0;
  let refused = 0;
  for (let at = start; at < end; at += 1) {
    const octet = bytes[at]!;
    let next = transitions[(state << 4) | (octet >> 4)]!;
    if (next > 0xffff) {
      if (next >= FAILS) return -1;
      length += 1;
      refused |= refusedInValue[(next >> 8) & 0xff]!;
    }
    next = transitions[((next & 0xff) << 4) | (octet & 15)]!;
    if (next > 0xffff) {
      if (next >= FAILS) return -1;
      length += 1;
      refused |= refusedInValue[(next >> 8) & 0xff]!;
    }
    state = next & 0xff;
  }
  return mayEnd[state] === 1 ? length * 2 + refused : -1;
}

let scratch = Buffer.allocUnsafeSlow(1024);

/** The text (latin-1) of octets that `scanHuffman` found valid. */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string {
  const bound = ((end - start) * 8) / 5;
  if (bound > scratch.length) scratch = Buffer.allocUnsafeSlow(Math.ceil(bound) * 2);
  let state = 0;
  let length = 0;
  for (let at = start; at < end; at += 1) {
    const octet = bytes[at]!;
    let next = transitions[(state << 4) | (octet >> 4)]!;
    if (next > 0xffff) {
      scratch[length] = (next >> 8) & 0xff;
      length += 1;
    }
    next = transitions[((next & 0xff) << 4) | (octet & 15)]!;
    if (next > 0xffff) {
      scratch[length] = (next >> 8) & 0xff;
      length += 1;
    }
    state = next & 0xff;
  }
  return scratch.toString('latin1', 0, length);
}

/** Octets that `text` (latin-1) takes when Huffman-coded. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let index = 0; index < text.length; index += 1) bits += codeLengths[text.charCodeAt(index) & 0xff]!;
  return (bits + 7) >>> 3;
}

/** `text` (latin-1), Huffman-coded. */
export function encodeHuffman(text: string): Buffer {
  const result = Buffer.allocUnsafeSlow(huffmanLength(text));
  let at = 0;
  // At most 7 + 30 bits wait: more than 32-bit shifts hold, so the accumulator is a double and is taken apart by division.
  let waiting = 0;
  let bits = 0;
  for (let index = 0; index < text.length; index += 1) {
    const symbol = text.charCodeAt(index) & 0xff;
    waiting = waiting * 2 ** codeLengths[symbol]! + codes[symbol]!;
    bits += codeLengths[symbol]!;
    while (bits >= 8) {
      const unit = 2 ** (bits - 8);
      result[at] = Math.floor(waiting / unit);
      waiting %= unit;
      bits -= 8;
      at += 1;
    }
  }
  if (bits > 0) result[at] = (waiting << (8 - bits)) | (0xff >> bits);
  return result;
}
