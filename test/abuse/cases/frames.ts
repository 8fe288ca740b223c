import { END_HEADERS, END_STREAM, frame, literals, REQUEST, u32 } from '../../support/http2-raw.ts';

/** A request that ends with its headers. */
export const WHOLE: number = END_HEADERS | END_STREAM;
const FRAME_SIZE = 16_384;
export const BASE: readonly (readonly [string, string])[] = REQUEST;

export type Fields = readonly (readonly [name: string, value: string])[];

/** A request on a stream, END_STREAM with its headers. */
export const request = (fields: Fields = BASE, id = 1): Buffer => headers(id, literals(fields));

/** A request whose body is still to come. */
export const openRequest = (fields: Fields = BASE, id = 1): Buffer => frame('HEADERS', END_HEADERS, id, literals(fields));

/** A good request with more fields behind its own. */
export const requestWith = (...fields: [name: string, value: string][]): Buffer => request([...BASE, ...fields]);

/** A good request without one of its fields. */
export const requestWithout = (name: string): Buffer => request(BASE.filter(([other]) => other !== name));

/** A good request in which one field has another value. */
export const requestBut = (name: string, value: string): Buffer =>
  request(BASE.map(([other, good]) => [other, other === name ? value : good] as const));

/** A block of any size as HEADERS and CONTINUATION. */
export function headers(id: number, block: Buffer, flags: number = END_STREAM): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += FRAME_SIZE) {
    const isLast = at + FRAME_SIZE >= block.length;
    const type = at === 0 ? 'HEADERS' : 'CONTINUATION';
    pieces.push(frame(type, (at === 0 ? flags : 0) | (isLast ? END_HEADERS : 0), id, block.subarray(at, at + FRAME_SIZE)));
  }
  return Buffer.concat(pieces);
}

export const repeat = (count: number, make: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));

export const reset = (id: number, code = 8): Buffer => frame('RST_STREAM', 0, id, u32(code));

export const count = (number: number, size: number): [name: string, value: string][] =>
  Array.from({ length: number }, (_, index) => [`x-${index}`, 'v'.repeat(size)]);
