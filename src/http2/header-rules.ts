import { NameKind } from './hpack/field-name.ts';
import type { HeaderField } from './hpack/header-field.ts';

/** What the engine itself needs to know of a valid block. */
export interface HeaderFacts {
  /** Declared body length in octets; -1 when none is declared. */
  readonly contentLength: number;
  readonly isHead: boolean;
  readonly isConnect: boolean;
  /** A response's status; 0 for requests and trailers. */
  readonly status: number;
}

/** Why a block is malformed, in a few words. */
export type Fault = string;

const bit = (kind: number): number => 1 << kind;
const REQUEST_PSEUDO = bit(NameKind.METHOD) | bit(NameKind.SCHEME) | bit(NameKind.AUTHORITY) | bit(NameKind.PATH) | bit(NameKind.PROTOCOL);
const RESPONSE_PSEUDO = bit(NameKind.STATUS);
const ALL_PSEUDO = REQUEST_PSEUDO | RESPONSE_PSEUDO;

/** Facts of the block scanned last; one object, so that checking allocates nothing. Read it before the next scan. */
const facts = { contentLength: -1, isHead: false, isConnect: false, status: 0 };
let seen = 0;

/** RFC 9113 §8.3.1. The facts are valid until the next block is checked. */
export function checkRequest(block: readonly HeaderField[], allowConnect: boolean): HeaderFacts | Fault {
  const fault = scan(block, REQUEST_PSEUDO);
  if (fault !== undefined) return fault;
  if ((seen & bit(NameKind.METHOD)) === 0) return 'no :method';
  const hasProtocol = (seen & bit(NameKind.PROTOCOL)) !== 0;
  if (hasProtocol && !(allowConnect && facts.isConnect)) return ':protocol without extended CONNECT';
  // RFC 9113 §8.5: CONNECT has an authority and no scheme or path; with :protocol (RFC 8441 §4) it has all.
  if (facts.isConnect && !hasProtocol) {
    if ((seen & (bit(NameKind.SCHEME) | bit(NameKind.PATH))) !== 0) return 'CONNECT with :scheme or :path';
    return (seen & bit(NameKind.AUTHORITY)) === 0 ? 'CONNECT without :authority' : facts;
  }
  if ((seen & bit(NameKind.SCHEME)) === 0) return 'no :scheme';
  if ((seen & bit(NameKind.PATH)) === 0) return 'no :path';
  if ((seen & (bit(NameKind.AUTHORITY) | bit(NameKind.HOST))) === 0) return 'neither :authority nor host';
  return facts;
}

/** RFC 9113 §8.3.2. The facts are valid until the next block is checked. */
export function checkResponse(block: readonly HeaderField[]): HeaderFacts | Fault {
  const fault = scan(block, RESPONSE_PSEUDO);
  if (fault !== undefined) return fault;
  if ((seen & bit(NameKind.STATUS)) === 0) return 'no :status';
  return facts.status === 101 ? 'status 101' : facts;
}

/** RFC 9113 §8.1: no pseudo-header fields. Undefined when all is well. */
export function checkTrailers(block: readonly HeaderField[]): Fault | undefined {
  return scan(block, 0);
}

function scan(block: readonly HeaderField[], allowedPseudo: number): Fault | undefined {
  facts.contentLength = -1;
  facts.isHead = false;
  facts.isConnect = false;
  facts.status = 0;
  seen = 0;
  let pseudoMayFollow = true;
  for (let index = 0; index < block.length; index += 1) {
    const entry = block[index]!;
    const { kind } = entry.fieldName;
    if (!entry.hasCleanValue) return `control character in the value of ${entry.name}`;
    if (kind === NameKind.REGULAR) {
      pseudoMayFollow = false;
      continue;
    }
    const isPseudo = (bit(kind) & ALL_PSEUDO) !== 0;
    if (isPseudo && (bit(kind) & allowedPseudo) === 0) return `${entry.name} where it has no meaning`;
    if (isPseudo && !pseudoMayFollow) return `${entry.name} behind other fields`;
    if (isPseudo && (seen & bit(kind)) !== 0) return `two ${entry.name}`;
    if (!isPseudo) pseudoMayFollow = false;
    const fault = checkValue(entry, kind);
    if (fault !== undefined) return fault;
    seen |= bit(kind);
  }
  return undefined;
}

function checkValue(entry: HeaderField, kind: number): Fault | undefined {
  switch (kind) {
    case NameKind.INVALID:
      return `"${entry.name}" is no field name`;
    case NameKind.CONNECTION:
      return `${entry.name} is connection-specific`;
    case NameKind.TE:
      return entry.value.toLowerCase() === 'trailers' ? undefined : 'te other than trailers';
    case NameKind.CONTENT_LENGTH:
      return checkContentLength(entry.value);
    case NameKind.METHOD:
      facts.isHead = entry.value === 'HEAD';
      facts.isConnect = entry.value === 'CONNECT';
      return TOKEN.test(entry.value) ? undefined : 'a :method that is no token';
    case NameKind.STATUS:
      facts.status = /^[1-9]\d\d$/.test(entry.value) ? Number(entry.value) : 0;
      return facts.status === 0 ? 'a :status that is no number of three digits' : undefined;
    case NameKind.PATH:
      return checkPath(entry.value);
    case NameKind.AUTHORITY:
      return AUTHORITY.test(entry.value) ? undefined : 'an :authority that is no host and port';
    default:
      return undefined;
  }
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-zA-Z]+$/;
/** RFC 3986 §3.2 without userinfo, which RFC 9113 §8.3.1 forbids. */
const AUTHORITY = /^[\w\-.~!$&'()*+,;=:%[\]]*$/;

function checkPath(path: string): Fault | undefined {
  if (path.charCodeAt(0) !== 0x2f && path !== '*') return 'a :path that begins with no slash';
  return path.includes(' ') || path.includes('\t') ? 'a blank in :path' : undefined;
}

function checkContentLength(value: string): Fault | undefined {
  const length = /^\d{1,15}$/.test(value) ? Number(value) : -1;
  if (length < 0) return 'a content-length that is no number';
  if (facts.contentLength >= 0 && facts.contentLength !== length) return 'two different content-length';
  facts.contentLength = length;
  return undefined;
}
