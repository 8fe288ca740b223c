// 13–47, 67: header blocks that are broken, malformed, or only look so.
import { frame, literals } from '../../support/http2-raw.ts';
import type { AbuseCase, Outcome } from './abuse-case.ts';
import { BASE, headers, openRequest, request, requestBut, requestWith, requestWithout, WHOLE } from './frames.ts';

const CLOSED: Outcome = { kind: 'closed' };
const PROTOCOL: Outcome = { kind: 'closed', goAway: 1 };
const COMPRESSION: Outcome = { kind: 'closed', goAway: 9 };
const FORWARDED: Outcome = { kind: 'forwarded' };

/** RFC 9113 §8.1.1: malformed, and with stream_error_on_invalid_http_message false a fault of the whole connection. */
function malformed(number: number, name: string, input: () => Buffer): AbuseCase {
  return { number, name, input, envoy: CLOSED, ringway: PROTOCOL, counter: 'http2.rx_messaging_error' };
}

function accepted(number: number, name: string, input: () => Buffer): AbuseCase {
  return { number, name, input, envoy: FORWARDED, ringway: FORWARDED, counter: null };
}

export const MESSAGES: readonly AbuseCase[] = [
  {
    number: 13,
    name: 'a table size update above the limit',
    input: () => frame('HEADERS', WHOLE, 1, Buffer.concat([Buffer.from('3fe1ff03', 'hex'), literals(BASE)])),
    envoy: COMPRESSION,
    ringway: COMPRESSION,
    counter: 'http.abuse.downstream_cx_protocol_error',
  },
  {
    number: 14,
    name: 'an index that is in no table',
    input: () => frame('HEADERS', WHOLE, 1, Buffer.from('ff00', 'hex')),
    envoy: COMPRESSION,
    ringway: COMPRESSION,
    counter: 'http.abuse.downstream_cx_protocol_error',
  },
  malformed(15, 'a field without a name (CVE-2019-9516)', () => requestWith(['', 'x'])),
  malformed(19, 'an upper-case name', () => requestWith(['X-Upper', 'x'])),
  malformed(20, 'NUL in a value', () => requestWith(['a', 'x\0y'])),
  malformed(21, 'a line break in a value', () => requestWith(['a', 'x\r\ny: z'])),
  malformed(22, 'a blank in a name', () => requestWith(['a b', 'x'])),
  malformed(23, 'connection: close', () => requestWith(['connection', 'close'])),
  malformed(24, 'transfer-encoding: chunked', () => requestWith(['transfer-encoding', 'chunked'])),
  malformed(25, 'te: gzip', () => requestWith(['te', 'gzip'])),
  {
    number: 26,
    name: 'content-length 10, a body of 5',
    input: () => Buffer.concat([openRequest([...BASE, ['content-length', '10']]), frame('DATA', 1, 1, Buffer.from('hello'))]),
    envoy: { kind: 'stream error', code: 1 },
    ringway: { kind: 'stream error', code: 1 },
    counter: 'http2.tx_reset',
  },
  malformed(27, 'content-length: -1', () => requestWith(['content-length', '-1'])),
  malformed(28, 'two different content-length', () => requestWith(['content-length', '1'], ['content-length', '2'])),
  malformed(29, 'no :path', () => requestWithout(':path')),
  malformed(30, 'no :method', () => requestWithout(':method')),
  malformed(31, 'neither :authority nor host', () => requestWithout(':authority')),
  malformed(32, 'two :path', () => requestWith([':path', '/'])),
  malformed(33, 'an unknown pseudo-header', () => requestWith([':nope', '1'])),
  malformed(34, 'a pseudo-header behind other fields', () => request([['a', 'b'], ...BASE])),
  accepted(35, ':authority and another host (:authority counts)', () => requestWith(['host', 'other'])),
  malformed(36, 'a path without a slash', () => requestBut(':path', 'x')),
  malformed(37, 'a blank in the path', () => requestBut(':path', '/a b')),
  malformed(38, 'the path * with another method than OPTIONS', () => requestBut(':path', '*')),
  {
    number: 39,
    name: 'a path with #fragment',
    input: () => requestBut(':path', '/a#b'),
    envoy: { kind: 'local reply', status: 400 },
    ringway: { kind: 'local reply', status: 400 },
    counter: 'http.abuse.downstream_rq_failed_path_normalization',
  },
  accepted(40, '/t.S/../x/%2e%2e as it is (normalize_path is off)', () => requestBut(':path', '/t.S/../x/%2e%2e')),
  malformed(41, 'a user in :authority', () => requestBut(':authority', 'me@host')),
  malformed(42, 'a blank in :authority', () => requestBut(':authority', 'a b')),
  accepted(43, ':scheme ftp', () => requestBut(':scheme', 'ftp')),
  accepted(44, ':method FOO', () => requestBut(':method', 'FOO')),
  {
    number: 45,
    name: 'CONNECT without upgrade_configs',
    input: () =>
      frame(
        'HEADERS',
        4,
        1,
        literals([
          [':method', 'CONNECT'],
          [':authority', 'a:1'],
        ]),
      ),
    envoy: { kind: 'local reply', status: 404 },
    ringway: { kind: 'local reply', status: 403 },
    counter: null,
    why: 'refused before a route is looked for',
  },
  malformed(46, 'a pseudo-header in trailers', () =>
    Buffer.concat([openRequest(), frame('DATA', 0, 1, Buffer.from('x')), headers(1, literals([[':path', '/']]))]),
  ),
  {
    number: 47,
    name: 'trailers of 70 KB',
    input: () =>
      Buffer.concat([openRequest(), frame('DATA', 0, 1, Buffer.from('x')), headers(1, literals([['x-long', 'v'.repeat(70_000)]]))]),
    envoy: COMPRESSION,
    ringway: COMPRESSION,
    counter: 'http.abuse.downstream_cx_protocol_error',
    limit: '64 KiB for a name or a value',
  },
  accepted(67, 'a name with an underscore', () => requestWith(['x_under', 'a'])),
];
