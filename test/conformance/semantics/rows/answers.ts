import { MESSAGE } from '../caller.ts';
import type { Row, Setup } from '../types.ts';
import { answer, GRPC_HEADERS, whole } from '../upstream.ts';

const direct = (status: number, body?: string): Setup => ({
  route: `direct_response: { status: ${status}${body === undefined ? '' : `, body: { inline_string: ${JSON.stringify(body)} }`} }`,
});

const mapped = (status: number): Row => ({
  name: `direct-${status}`,
  situation: `direct_response ${status}`,
  setup: direct(status),
  upstream: null,
});

/** Answers that are not a proxied call's usual one. */
export const ANSWERS: readonly Row[] = [
  {
    name: 'ok',
    situation: 'a unary call',
    caller: async (caller) => {
      const stream = caller.open();
      stream.data(MESSAGE, true);
      await stream.over();
    },
  },
  {
    name: 'status-in-trailers',
    situation: 'the upstream ends with status 14 in trailers',
    upstream: async (upstream) => answer(await whole(upstream), 14),
  },
  {
    name: 'trailers-only',
    situation: 'the upstream answers with trailers only, status 5',
    upstream: async (upstream) =>
      (await whole(upstream)).headers([...GRPC_HEADERS, ['grpc-status', '5'], ['grpc-message', 'not%20here']], true),
  },
  {
    name: 'bad-grpc-status',
    situation: 'a grpc-status that is no number',
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      stream.headers(GRPC_HEADERS);
      stream.headers([['grpc-status', 'what']], true);
    },
  },
  {
    name: 'http-503',
    situation: 'plain HTTP 503 to a gRPC call',
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      stream.headers([
        [':status', '503'],
        ['content-type', 'text/plain'],
      ]);
      stream.data(Buffer.from('busy'), true);
    },
  },
  {
    name: 'http-429',
    situation: 'plain HTTP 429 to a gRPC call',
    upstream: async (upstream) =>
      (await whole(upstream)).headers(
        [
          [':status', '429'],
          ['content-type', 'text/plain'],
        ],
        true,
      ),
  },
  {
    name: 'no-trailers',
    situation: 'the upstream ends with its message, without trailers',
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      stream.headers(GRPC_HEADERS);
      stream.data(MESSAGE, true);
    },
  },
  {
    name: 'no-trailers-no-message',
    situation: 'the upstream ends with its headers, without a status',
    upstream: async (upstream) => (await whole(upstream)).headers(GRPC_HEADERS, true),
  },
  ...[200, 400, 401, 403, 404, 408, 429, 500, 502, 503, 504].map(mapped),
  {
    name: 'direct-429-body',
    situation: 'direct_response 429 with a body',
    setup: direct(429, 'slow down'),
    upstream: null,
  },
  {
    name: 'plain-direct-429-body',
    situation: 'the same, no gRPC call',
    setup: direct(429, 'slow down'),
    caller: async (caller) => void (await caller.get()),
    upstream: null,
  },
  {
    name: 'direct-odd-body',
    situation: 'direct_response with a body that grpc-message has to encode',
    setup: direct(403, 'a%b\nc ü ~'),
    upstream: null,
  },
  {
    name: 'grpc-proto',
    situation: 'content-type application/grpc+proto is a gRPC call',
    setup: direct(503, 'x'),
    caller: async (caller) => void (await caller.call({ 'content-type': 'application/grpc+proto' })),
    upstream: null,
  },
  {
    name: 'grpc-web',
    situation: 'content-type application/grpc-web is none',
    setup: direct(503, 'x'),
    caller: async (caller) => void (await caller.call({ 'content-type': 'application/grpc-web' })),
    upstream: null,
  },
  {
    name: 'head',
    situation: 'HEAD gets no body',
    setup: direct(503, 'x'),
    caller: async (caller) => void (await caller.call({ ':method': 'HEAD', 'content-type': '' })),
    upstream: null,
  },
  {
    name: 'retries-used-up',
    situation: 'retries used up, each try was reset',
    setup: { action: 'retry_policy: { retry_on: reset, num_retries: 1, retry_back_off: { base_interval: 0.001s, max_interval: 0.002s } }' },
    upstream: async (upstream) => {
      (await whole(upstream)).reset(8);
      (await whole(upstream, 0, 3)).reset(8);
    },
  },
  {
    name: 'retries-used-up-answer',
    situation: 'retries used up, the last answer is passed on',
    setup: {
      action: 'retry_policy: { retry_on: unavailable, num_retries: 1, retry_back_off: { base_interval: 0.001s, max_interval: 0.002s } }',
    },
    upstream: async (upstream) => {
      for (const id of [1, 3])
        (await whole(upstream, 0, id)).headers([...GRPC_HEADERS, ['grpc-status', '14'], ['grpc-message', `try ${id}`]], true);
    },
  },
  {
    name: 'retries-used-up-refused',
    situation: 'retries used up, no try had a connection',
    setup: {
      action:
        'retry_policy: { retry_on: connect-failure, num_retries: 1, retry_back_off: { base_interval: 0.001s, max_interval: 0.002s } }',
    },
    upstream: null,
  },
  {
    name: 'retry-helps',
    situation: 'the second try brings the answer',
    setup: {
      action: 'retry_policy: { retry_on: refused-stream, num_retries: 1, retry_back_off: { base_interval: 0.001s, max_interval: 0.002s } }',
      host: 'include_request_attempt_count: true, include_attempt_count_in_response: true',
    },
    upstream: async (upstream) => {
      (await whole(upstream)).reset(7);
      const second = await whole(upstream, 0, 3);
      upstream.note(`x-envoy-attempt-count: ${second.field('x-envoy-attempt-count')}`);
      answer(second);
    },
  },
  {
    name: 'retry-abandoned',
    situation: 'the request is longer than the buffer for another try',
    setup: { action: 'retry_policy: { retry_on: reset, num_retries: 1 }', host: 'per_request_buffer_limit_bytes: 100' },
    caller: async (caller) => {
      const stream = caller.open();
      stream.data(Buffer.alloc(1000), true);
      await stream.over();
    },
    upstream: async (upstream) => (await whole(upstream)).reset(8),
  },
];
