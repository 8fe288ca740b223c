import { field, responseFault } from '../http2/index.ts';
import type { HeaderBlock } from '../http2/types.ts';
import { type RawFields, readFields } from './raw-fields.ts';

/** What decides how an answer is framed. */
export interface ResponseFraming {
  /** Nothing follows the head. */
  readonly endStream: boolean;
  /** It answers HEAD: its content-length is of a body that does not come. */
  readonly isHead: boolean;
  /** The connection ends behind it. */
  readonly closes: boolean;
}

/** Fields of an answer for node:http, which adds `transfer-encoding: chunked` where a body comes whose length is not declared. */
export function rawResponse(headers: HeaderBlock, { endStream, isHead, closes }: ResponseFraming): string[] {
  const raw: string[] = [];
  let hasLength = false;
  let status = '';
  for (const { name, value } of headers) {
    if (name === ':status') status = value;
    else if (name !== 'content-length') raw.push(name, value);
    else if (!hasLength && mayHaveLength(status)) {
      hasLength = true;
      raw.push(name, value);
    }
  }
  if (endStream && !hasLength && !isHead && mayHaveLength(status) && status !== '304') raw.push('content-length', '0');
  if (closes) raw.push('connection', 'close');
  return raw;
}

/** RFC 9110 §8.6. */
function mayHaveLength(status: string): boolean {
  return status !== '204' && !status.startsWith('1');
}

/** Trailers as node:http takes them. */
export function rawTrailers(trailers: HeaderBlock): [string, string][] {
  return trailers.map(({ name, value }) => [name, value]);
}

/** An upstream's head in HTTP/2's form. */
export interface ResponseHead {
  readonly headers: HeaderBlock;
  /** The peer closes behind it. */
  readonly closes: boolean;
}

/** Undefined: it may not be passed on (too many fields, a coding that is not ours, a field HTTP/2 would refuse). */
export function readResponseHead(status: number, raw: RawFields, maxFields: number): ResponseHead | undefined {
  if (raw.length / 2 > maxFields) return undefined;
  const { fields, connection, codings } = readFields(raw);
  if (codings.length > 1 || (codings.length === 1 && codings[0]?.toLowerCase() !== 'chunked')) return undefined;
  const headers = [field(':status', String(status)), ...fields];
  return responseFault(headers) === undefined ? { headers, closes: connection.closes } : undefined;
}
