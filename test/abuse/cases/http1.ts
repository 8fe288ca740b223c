// 58–63: what comes before HTTP/2 does, or in place of it.
import type { AbuseCase } from './abuse-case.ts';

function http1(number: number, name: string, lines: readonly string[], status: number): AbuseCase {
  return {
    number,
    name,
    from: 'first octet',
    input: () => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'),
    envoy: { kind: 'local reply', status },
    ringway: { kind: 'local reply', status },
    counter: null,
  };
}

const REQUEST = 'POST /x HTTP/1.1';

export const HTTP1: readonly AbuseCase[] = [
  http1(58, 'HTTP/1.0', ['GET / HTTP/1.0', 'host: a'], 426),
  http1(59, 'content-length and transfer-encoding', [REQUEST, 'host: a', 'content-length: 5', 'transfer-encoding: chunked', '', '0'], 400),
  http1(60, 'two content-length', [REQUEST, 'host: a', 'content-length: 5', 'content-length: 6', '', 'hello'], 400),
  http1(61, 'NUL in a header', [REQUEST, 'host: a', 'x: a\0b'], 400),
  {
    ...http1(62, 'a header that goes on in the next line', [REQUEST, 'host: a', 'x: a', ' b'], 400),
    envoy: { kind: 'forwarded' },
    why: 'RFC 9112 §5.2 lets a proxy do either; Envoy writes a blank in place of the line break',
  },
  {
    ...http1(63, 'a TLS hello on a plaintext port', [], 400),
    input: () => Buffer.from('16030100510100004d0303', 'hex'),
  },
];
