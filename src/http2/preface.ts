import { CLIENT_PREFACE } from './protocol.ts';

/** `PRI * HTTP/2`: nothing else begins so. A preface that goes on wrongly is a fault of HTTP/2, not another protocol. */
const TELLING = 12;

/**
 * Codec AUTO: whether the first bytes of a connection begin HTTP/2's client preface (RFC 9113 §3.4). `more` = all of `chunk` agrees but
 * it is too short to tell. Hand the bytes looked at to `createServerConnection` as `initialBytes`.
 */
export function looksLikeHttp2Preface(chunk: Uint8Array): 'yes' | 'no' | 'more' {
  const length = Math.min(chunk.length, TELLING);
  for (let index = 0; index < length; index += 1) {
    if (chunk[index] !== CLIENT_PREFACE[index]) return 'no';
  }
  return length === TELLING ? 'yes' : 'more';
}
