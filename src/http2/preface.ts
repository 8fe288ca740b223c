import { CLIENT_PREFACE } from './protocol.ts';

/**
 * Codec AUTO: whether the first bytes of a connection are HTTP/2's client preface (RFC 9113 §3.4). `more` = all of `chunk` agrees but it
 * is too short to tell. Hand the bytes looked at to `createServerConnection` as `initialBytes`.
 */
export function looksLikeHttp2Preface(chunk: Uint8Array): 'yes' | 'no' | 'more' {
  const length = Math.min(chunk.length, CLIENT_PREFACE.length);
  for (let index = 0; index < length; index += 1) {
    if (chunk[index] !== CLIENT_PREFACE[index]) return 'no';
  }
  return length === CLIENT_PREFACE.length ? 'yes' : 'more';
}
