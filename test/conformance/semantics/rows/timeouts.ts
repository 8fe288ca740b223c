import { MESSAGE } from '../caller.ts';
import type { Row } from '../types.ts';
import { answer, GRPC_HEADERS, type Upstream, whole } from '../upstream.ts';

/** Never answers; notes how it is told to stop. */
const hangs = async (upstream: Upstream): Promise<void> => upstream.note(await (await whole(upstream)).ending());

const begins = async (upstream: Upstream): Promise<void> => {
  const stream = await whole(upstream);
  stream.headers(GRPC_HEADERS);
  stream.data(MESSAGE);
  upstream.note(await stream.ending());
};

/** Notes a field of the request, or that there is none, then answers. */
const notes =
  (...names: readonly string[]) =>
  async (upstream: Upstream): Promise<void> => {
    const stream = await whole(upstream);
    for (const name of names) upstream.note(`${name}: ${stream.field(name) ?? 'none'}`);
    answer(stream);
  };

/** Time is up. */
export const TIMEOUTS: readonly Row[] = [
  {
    name: 'route-timeout',
    situation: 'route timeout before headers',
    setup: { action: 'timeout: 0.1s' },
    upstream: hangs,
  },
  {
    name: 'plain-route-timeout',
    situation: 'the same, no gRPC call',
    setup: { action: 'timeout: 0.1s' },
    caller: async (caller) => void (await caller.get()),
    upstream: hangs,
  },
  {
    name: 'route-timeout-after',
    situation: 'route timeout after headers and a message',
    setup: { action: 'timeout: 0.2s' },
    upstream: begins,
  },
  {
    name: 'default-timeout',
    situation: 'what the upstream is told of the default timeout of 15 s',
    upstream: notes('x-envoy-expected-rq-timeout-ms'),
  },
  {
    name: 'no-timeout',
    situation: 'timeout 0: none, and nothing is told',
    setup: { action: 'timeout: 0s' },
    upstream: notes('x-envoy-expected-rq-timeout-ms'),
  },
  {
    name: 'grpc-timeout-ignored',
    situation: 'grpc-timeout without grpc_timeout_header_max: passed on, nothing ends',
    caller: async (caller) => void (await caller.call({ 'grpc-timeout': '50m' })),
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      upstream.note(`grpc-timeout: ${stream.field('grpc-timeout')}`);
      setTimeout(() => answer(stream), 120);
      await stream.over();
    },
  },
  {
    name: 'grpc-timeout',
    situation: 'grpc-timeout 100m, grpc_timeout_header_max 0',
    setup: { action: 'max_stream_duration: { grpc_timeout_header_max: 0s }' },
    caller: async (caller) => void (await caller.call({ 'grpc-timeout': '100m' })),
    upstream: hangs,
  },
  {
    name: 'grpc-timeout-max',
    situation: 'grpc-timeout 10S, grpc_timeout_header_max 0.1 s',
    setup: { action: 'max_stream_duration: { grpc_timeout_header_max: 0.1s }' },
    caller: async (caller) => void (await caller.call({ 'grpc-timeout': '10S' })),
    upstream: hangs,
  },
  {
    name: 'grpc-timeout-after',
    situation: 'the same after headers and a message',
    setup: { action: 'max_stream_duration: { grpc_timeout_header_max: 0s }' },
    caller: async (caller) => void (await caller.call({ 'grpc-timeout': '200m' })),
    upstream: begins,
  },
  {
    name: 'stream-duration',
    situation: 'max_stream_duration of the route before headers',
    setup: { action: 'max_stream_duration: { max_stream_duration: 0.1s }' },
    upstream: hangs,
  },
  {
    name: 'plain-stream-duration',
    situation: 'the same, no gRPC call',
    setup: { action: 'max_stream_duration: { max_stream_duration: 0.1s }' },
    caller: async (caller) => void (await caller.get()),
    upstream: hangs,
  },
  {
    name: 'stream-duration-after',
    situation: 'max_stream_duration of the route after headers and a message',
    setup: { action: 'max_stream_duration: { max_stream_duration: 0.2s }' },
    upstream: begins,
  },
  {
    name: 'manager-duration',
    situation: 'max_stream_duration of the connection manager',
    setup: { manager: 'common_http_protocol_options: { max_stream_duration: 0.1s }' },
    upstream: hangs,
  },
  {
    name: 'stream-idle',
    situation: 'stream_idle_timeout, the request is over',
    setup: { manager: 'stream_idle_timeout: 0.1s' },
    upstream: hangs,
  },
  {
    name: 'stream-idle-request',
    situation: 'stream_idle_timeout, the request is not over',
    setup: { manager: 'stream_idle_timeout: 0.1s' },
    caller: async (caller) => {
      const stream = caller.open();
      await stream.ending();
    },
    upstream: async (upstream) => {
      const stream = await upstream.request();
      upstream.note(await stream.ending());
    },
  },
  {
    name: 'stream-idle-after',
    situation: 'stream_idle_timeout after headers and a message',
    setup: { manager: 'stream_idle_timeout: 0.2s' },
    upstream: begins,
  },
  {
    name: 'per-try-timeout',
    situation: 'per_try_timeout, no retry left',
    setup: { action: 'retry_policy: { retry_on: "5xx", num_retries: 0, per_try_timeout: 0.1s }' },
    upstream: hangs,
  },
  {
    name: 'cut-past-deadline',
    situation: "the upstream cuts the call (RST_STREAM 8) once the caller's own grpc-timeout has passed",
    caller: async (caller) => void (await caller.call({ 'grpc-timeout': '50m' })),
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      setTimeout(() => stream.reset(8), 120);
    },
  },
  {
    name: 'cut-past-deadline-after',
    situation: 'the same after headers and a message',
    caller: async (caller) => void (await caller.call({ 'grpc-timeout': '50m' })),
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      stream.headers(GRPC_HEADERS);
      stream.data(MESSAGE);
      setTimeout(() => stream.reset(8), 120);
    },
  },
];
