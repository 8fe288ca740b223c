import type { HeaderBlock } from '../http2/types.ts';

/** A request as node:http takes it. */
export interface OutgoingHead {
  readonly method: string;
  readonly path: string;
  /** Fields by name, one value or several in order; `host` among them, and exactly one of content-length, transfer-encoding or neither. */
  readonly fields: ReadonlyMap<string, string | string[]>;
}

/** Requests with these methods say how long their body is even when it is empty (RFC 9110 §8.6). */
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/**
 * The head of a request in HTTP/1.1's form (RFC 9113 §8.2.3, §8.3.1; RFC 9112 §6). Undefined: HTTP/1.1 cannot say it (CONNECT, a method
 * in lower case, no path).
 */
export function outgoingHead(headers: HeaderBlock, endStream: boolean): OutgoingHead | undefined {
  const pseudo: Record<string, string> = {};
  const fields = new Map<string, string | string[]>([['host', '']]);
  for (const { name, value } of headers) {
    if (name.startsWith(':')) pseudo[name] = value;
    else if (name === 'host') pseudo[name] ??= value;
    // the body follows at once: there is nothing to expect
    else if (name !== 'expect' || value.toLowerCase() !== '100-continue') add(fields, name, value);
  }
  const method = pseudo[':method'] ?? '';
  const path = pseudo[':path'] ?? '';
  // node:http would write the method in capitals, which are another method
  if (method !== method.toUpperCase() || method === 'CONNECT' || path === '') return undefined;
  fields.set('host', pseudo[':authority'] ?? pseudo['host'] ?? '');
  frame(fields, method, endStream);
  return { method, path, fields };
}

function add(fields: Map<string, string | string[]>, name: string, value: string): void {
  const known = fields.get(name);
  if (known === undefined) fields.set(name, value);
  // RFC 9113 §8.2.3: crumbs are one field in HTTP/1.1
  else if (name === 'cookie') fields.set(name, `${known}; ${value}`);
  // equal ones may come twice over HTTP/2
  else if (name === 'content-length') fields.set(name, value);
  else if (typeof known === 'string') fields.set(name, [known, value]);
  else known.push(value);
}

/** node:http frames by method where nothing is said: a body that it does not expect would be the next request. */
function frame(fields: Map<string, string | string[]>, method: string, endStream: boolean): void {
  if (fields.has('content-length')) return;
  if (!endStream) fields.set('transfer-encoding', 'chunked');
  else if (WITH_BODY.has(method)) fields.set('content-length', '0');
}
