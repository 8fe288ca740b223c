import type { Json } from '../../../envoy/index.ts';

type Fields = Readonly<Record<string, Json>>;

/** Keeps only the fields that paths such as `cluster.name,last_updated` name (google.protobuf.FieldMask). Null when none of them is there. */
export function masked(fields: Fields, mask: string): Fields | null {
  const kept = mask
    .split(',')
    .map((path) => pick(fields, path.trim().split('.')))
    .filter((part) => part !== null);
  return kept.length === 0 ? null : kept.reduce(merge);
}

function pick(fields: Fields, [first, ...rest]: readonly string[]): Fields | null {
  const value = first === undefined ? undefined : fields[first];
  if (first === undefined || value === undefined) return null;
  if (rest.length === 0) return { [first]: value };
  const inner = isFields(value) ? pick(value, rest) : null;
  // The type of an Any is no field: without it the rest could not be read.
  const type = isFields(value) && value['@type'] !== undefined ? { '@type': value['@type'] } : {};
  return inner && { [first]: { ...type, ...inner } };
}

function merge(a: Fields, b: Fields): Fields {
  const result: Record<string, Json> = { ...a };
  for (const [name, value] of Object.entries(b)) {
    const known = result[name];
    result[name] = isFields(known) && isFields(value) ? merge(known, value) : value;
  }
  return result;
}

function isFields(value: Json | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
