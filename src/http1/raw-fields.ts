import { field } from '../http2/index.ts';
import type { Field } from '../http2/types.ts';
import { allowsTrailers, type ConnectionFields, readConnectionFields } from './connection-fields.ts';

/** Names and values as node:http has them: name, value, name, value, … */
export type RawFields = readonly string[];

/** A head's fields that may be passed on, and what the others said. */
export interface ReadFields {
  readonly fields: readonly Field[];
  readonly connection: ConnectionFields;
  /** The values of `host`, which is not among `fields`. */
  readonly hosts: readonly string[];
  readonly hasContentLength: boolean;
  /** Declared length in octets; 0 when none is declared. */
  readonly contentLength: number;
  /** Values of `transfer-encoding`. */
  readonly codings: readonly string[];
  /** Value of `upgrade`, lower-case; '' without. */
  readonly upgrade: string;
}

/**
 * Names in lower case, connection-specific fields gone. Of content-length and transfer-encoding never both remain: the latter decides, and
 * framing is made anew by whoever sends the message on (RFC 9112 §6.3).
 */
export function readFields(raw: RawFields): ReadFields {
  const connection = readConnectionFields(valuesOf(raw, 'connection'));
  const codings = valuesOf(raw, 'transfer-encoding');
  const lengths = valuesOf(raw, 'content-length');
  const fields: Field[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!.toLowerCase();
    const value = raw[index + 1]!;
    if (name === 'host' || connection.isDropped(name)) continue;
    if (name === 'content-length' && (codings.length > 0 || fields.some((one) => one.name === name))) continue;
    if (name !== 'te') fields.push(field(name, value));
    else if (allowsTrailers(value)) fields.push(TE);
  }
  return {
    fields,
    connection,
    hosts: valuesOf(raw, 'host'),
    hasContentLength: lengths.length > 0,
    contentLength: Number(lengths[0] ?? 0),
    codings,
    upgrade: valuesOf(raw, 'upgrade').join(',').toLowerCase(),
  };
}

/** Trailers that may be passed on (RFC 9110 §6.5.1): none that say how to read the message or whom it is for. */
export function readTrailers(raw: RawFields): Field[] {
  const fields: Field[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!.toLowerCase();
    if (!NOT_IN_TRAILERS.has(name)) fields.push(field(name, raw[index + 1]!));
  }
  return fields;
}

const TE = field('te', 'trailers');

const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function valuesOf(raw: RawFields, wanted: string): string[] {
  const values: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    if (raw[index]!.length === wanted.length && raw[index]!.toLowerCase() === wanted) values.push(raw[index + 1]!);
  }
  return values;
}
