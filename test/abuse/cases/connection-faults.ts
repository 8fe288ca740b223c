// 16–18, 48–57: faults of the whole connection.
import { frame, literals, setting, u32 } from '../../support/http2-raw.ts';
import type { AbuseCase, Outcome } from './abuse-case.ts';
import { BASE, openRequest, repeat, request, WHOLE } from './frames.ts';

const CLOSED: Outcome = { kind: 'closed' };

/** What the peer reads of ours in place of a bare end: the GOAWAY code. */
function fault(number: number, name: string, input: () => Buffer, code: number, more: Partial<AbuseCase> = {}): AbuseCase {
  return {
    number,
    name,
    input,
    envoy: CLOSED,
    ringway: { kind: 'closed', goAway: code },
    counter: 'http.abuse.downstream_cx_protocol_error',
    stream: null,
    ...more,
  };
}

export const CONNECTION_FAULTS: readonly AbuseCase[] = [
  fault(16, 'the window of the connection beyond 2^31 - 1', () => frame('WINDOW_UPDATE', 0, 0, u32(0x7fff_ffff)), 3),
  fault(17, 'WINDOW_UPDATE by 0', () => frame('WINDOW_UPDATE', 0, 0, u32(0)), 1),
  fault(18, 'a frame of 16 385 octets', () => Buffer.concat([openRequest(), frame('DATA', 0, 1, Buffer.alloc(16_385))]), 6, {
    envoy: { kind: 'closed', goAway: 6 },
  }),
  fault(48, 'an even stream id', () => frame('HEADERS', WHOLE, 2, literals(BASE)), 1),
  fault(
    49,
    'a stream that depends on itself',
    () => frame('HEADERS', WHOLE | 0x20, 1, Buffer.concat([u32(1), Buffer.from([16]), literals(BASE)])),
    1,
  ),
  fault(50, 'PUSH_PROMISE of a client', () => Buffer.concat([openRequest(), frame('PUSH_PROMISE', 4, 1, u32(2))]), 1),
  fault(51, 'DATA on an idle stream', () => frame('DATA', 0, 3, Buffer.from('x')), 1, { envoy: { kind: 'closed', goAway: 1 } }),
  {
    number: 52,
    name: 'a frame of an unknown type',
    input: () => Buffer.concat([frame(0x42, 0xff, 0, Buffer.from('what')), request()]),
    envoy: { kind: 'forwarded' },
    ringway: { kind: 'forwarded' },
    counter: null,
  },
  fault(53, 'SETTINGS ENABLE_PUSH 2', () => frame('SETTINGS', 0, 0, setting(2, 2)), 1),
  fault(54, 'SETTINGS INITIAL_WINDOW_SIZE 2^31', () => frame('SETTINGS', 0, 0, setting(4, 0x8000_0000)), 3),
  fault(55, 'SETTINGS MAX_FRAME_SIZE 100', () => frame('SETTINGS', 0, 0, setting(5, 100)), 1),
  {
    number: 56,
    name: '1030 open streams',
    input: () => repeat(1030, (index) => openRequest(BASE, index * 2 + 1)),
    envoy: { kind: 'stream error', code: 7 },
    ringway: { kind: 'stream error', code: 7 },
    counter: 'http2.stream_refused_errors',
    limit: 'max_concurrent_streams (1024)',
    stream: 2051,
    isFlood: true,
  },
  {
    number: 57,
    name: 'a preface that ends wrongly',
    from: 'first octet',
    input: () => Buffer.from('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'),
    envoy: CLOSED,
    ringway: CLOSED,
    counter: 'http.abuse.downstream_cx_protocol_error',
  },
];
