import type { Json } from '../../../envoy/index.ts';

/** Fields that Envoy's proto marks sensitive (`udpa.annotations.sensitive`) and that can stand in what we read. */
const SENSITIVE = new Set([
  'private_key',
  'private_key_provider',
  'password',
  'pkcs12',
  'session_ticket_keys',
  'secret',
  'generic_secret',
  'refresh_token',
  'access_token',
  'json_key',
]);

const TEXT = '[redacted]';
const BYTES = Buffer.from(TEXT).toString('base64');

/** A copy in which every text below a sensitive field is `[redacted]` (base64 of it where bytes stand). */
export function redacted(json: Json, isSecret = false): Json {
  if (typeof json === 'string') return isSecret ? TEXT : json;
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map((each: Json) => redacted(each, isSecret));
  const entries = Object.entries(json as Readonly<Record<string, Json>>).map(([name, value]): [string, Json] => {
    if (name === '@type') return [name, value];
    if (isSecret && name === 'inline_bytes') return [name, BYTES];
    return [name, redacted(value, isSecret || SENSITIVE.has(name))];
  });
  return Object.fromEntries(entries);
}
