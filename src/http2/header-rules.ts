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

/** Why a block is malformed, in a few words; '' where a value is asked about and all is well. */
export type Fault = string;

const bit = (kind: number): number => 1 << kind;
const REQUEST_PSEUDO = bit(NameKind.METHOD) | bit(NameKind.SCHEME) | bit(NameKind.AUTHORITY) | bit(NameKind.PATH) | bit(NameKind.PROTOCOL);
const RESPONSE_PSEUDO = bit(NameKind.STATUS);
const ALL_PSEUDO = REQUEST_PSEUDO | RESPONSE_PSEUDO;

/** Facts of the block scanned last; one object, so that checking allocates nothing. Read it before the next scan. */
const facts = { contentLength: -1, isHead: false, isConnect: false, status: 0 };
let seen = 0;
let isStar = false;
let isOptions = false;

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
  if (isStar && !isOptions) return 'the :path * of another method than OPTIONS';
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
  isStar = false;
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
    entry.fault ??= checkValue(entry, kind);
    if (entry.fault !== '') return entry.fault;
    const fault = take(entry.fact, kind);
    if (fault !== undefined) return fault;
    seen |= bit(kind);
  }
  return undefined;
}

/** Adds what a field says to the facts of its block. */
function take(fact: number, kind: number): Fault | undefined {
  switch (kind) {
    case NameKind.METHOD:
      facts.isHead = fact === HEAD;
      facts.isConnect = fact === CONNECT;
      isOptions = fact === OPTIONS;
      break;
    case NameKind.PATH:
      isStar = fact === STAR;
      break;
    case NameKind.STATUS:
      facts.status = fact;
      break;
    case NameKind.CONTENT_LENGTH:
      if (facts.contentLength >= 0 && facts.contentLength !== fact) return 'two different content-length';
      facts.contentLength = fact;
      break;
    default:
  }
  return undefined;
}

/** What is wrong with a value, or ''; leaves what `take` wants to know in `entry.fact`. Asked once a field: tables bring fields again. */
function checkValue(entry: HeaderField, kind: number): Fault {
  switch (kind) {
    case NameKind.INVALID:
      return `"${entry.name}" is no field name`;
    case NameKind.CONNECTION:
      return `${entry.name} is connection-specific`;
    case NameKind.TE:
      return entry.value.toLowerCase() === 'trailers' ? '' : 'te other than trailers';
    case NameKind.CONTENT_LENGTH:
      entry.fact = /^\d{1,15}$/.test(entry.value) ? Number(entry.value) : -1;
      return entry.fact < 0 ? 'a content-length that is no number' : '';
    case NameKind.METHOD:
      entry.fact = KNOWN_METHODS.indexOf(entry.value);
      return TOKEN.test(entry.value) ? '' : 'a :method that is no token';
    case NameKind.STATUS:
      entry.fact = /^[1-9]\d\d$/.test(entry.value) ? Number(entry.value) : 0;
      return entry.fact === 0 ? 'a :status that is no number of three digits' : '';
    case NameKind.PATH:
      entry.fact = entry.value === '*' ? STAR : 0;
      return checkPath(entry.value);
    case NameKind.AUTHORITY:
      return AUTHORITY.test(entry.value) ? '' : 'an :authority that is no host and port';
    default:
      return '';
  }
}

const HEAD = 0;
const CONNECT = 1;
const OPTIONS = 2;
const KNOWN_METHODS = ['HEAD', 'CONNECT', 'OPTIONS'];
/** The fact of a :path that asks about the server as a whole. */
const STAR = 1;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-zA-Z]+$/;
/** RFC 3986 §3.2 without userinfo, which RFC 9113 §8.3.1 forbids. */
const AUTHORITY = /^[\w\-.~!$&'()*+,;=:%[\]]*$/;

function checkPath(path: string): Fault {
  if (path.charCodeAt(0) !== 0x2f && path !== '*') return 'a :path that begins with no slash';
  return path.includes(' ') || path.includes('\t') ? 'a blank in :path' : '';
}
