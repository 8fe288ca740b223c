import { fieldsText } from '../outcome.ts';
import type { Row } from '../types.ts';
import { answer, GRPC_HEADERS, type Upstream, whole } from '../upstream.ts';

/** Notes every field of the request, then answers. */
const notesAll = async (upstream: Upstream): Promise<void> => {
  const stream = await whole(upstream);
  upstream.note(fieldsText(stream.fields).join(' '));
  answer(stream);
};

const CONTROLS = [
  'retry-on',
  'retry-grpc-on',
  'max-retries',
  'retriable-status-codes',
  'retriable-header-names',
  'upstream-rq-timeout-ms',
  'upstream-rq-per-try-timeout-ms',
  'upstream-rq-timeout-alt-response',
  'expected-rq-timeout-ms',
  'hedge-on-per-try-timeout',
  'upstream-alt-stat-name',
  'internal',
  'force-trace',
  'ip-tags',
  'original-url',
  'decorator-operation',
  'downstream-service-cluster',
  'downstream-service-node',
  'external-address',
  'attempt-count',
  'original-path',
  'is-timeout-retry',
  'upstream-stream-duration-ms',
  'ratelimited',
  'unknown',
];
const controls: Record<string, string> = Object.fromEntries(CONTROLS.map((name) => [`x-envoy-${name}`, '1']));

/** What is added, kept and taken away. */
export const HEADERS: readonly Row[] = [
  {
    name: 'to-upstream',
    situation: 'what a gRPC call has at the upstream',
    caller: async (caller) => void (await caller.call({ te: '' })),
    upstream: notesAll,
  },
  {
    name: 'to-upstream-plain',
    situation: 'what another request has',
    caller: async (caller) => void (await caller.get()),
    upstream: notesAll,
  },
  {
    name: 'te-other',
    situation: 'te that says more than trailers',
    caller: async (caller) => void (await caller.call({ te: 'trailers, deflate' })),
    upstream: null,
  },
  {
    name: 'te-plain',
    situation: 'te: trailers of a request that is no gRPC call',
    caller: async (caller) => void (await caller.call({ 'content-type': '' })),
    upstream: notesAll,
  },
  {
    name: 'controls',
    situation: 'x-envoy-* of a caller',
    caller: async (caller) => void (await caller.call(controls)),
    upstream: notesAll,
  },
  {
    name: 'controls-edge',
    situation: 'x-envoy-* of a caller, use_remote_address',
    setup: { manager: 'use_remote_address: true' },
    caller: async (caller) => void (await caller.call(controls)),
    upstream: notesAll,
  },
  {
    name: 'control-without-effect',
    situation: 'x-envoy-retry-on and x-envoy-upstream-rq-timeout-ms of a caller change nothing',
    caller: async (caller) => void (await caller.call({ 'x-envoy-retry-on': 'reset', 'x-envoy-upstream-rq-timeout-ms': '1' })),
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      setTimeout(() => stream.reset(8), 30);
      await stream.over();
    },
  },
  {
    name: 'own-id',
    situation: 'x-request-id and x-forwarded-* of a caller are kept',
    caller: async (caller) =>
      void (await caller.call({
        'x-request-id': 'mine',
        'x-forwarded-proto': 'https',
        'x-forwarded-for': '1.2.3.4',
        'x-forwarded-host': 'h',
        'x-forwarded-client-cert': 'c',
      })),
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      upstream.note(`x-request-id: ${stream.field('x-request-id')}`);
      upstream.note(fieldsText(stream.fields).join(' '));
      answer(stream);
    },
  },
  {
    name: 'own-id-edge',
    situation: 'the same with use_remote_address',
    setup: { manager: 'use_remote_address: true' },
    caller: async (caller) =>
      void (await caller.call({ 'x-request-id': 'mine', 'x-forwarded-proto': 'https', 'x-forwarded-for': '1.2.3.4' })),
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      const id = stream.field('x-request-id') ?? '';
      upstream.note(
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(id) ? 'a new x-request-id' : `x-request-id: ${id}`,
      );
      upstream.note(fieldsText(stream.fields).join(' '));
      answer(stream);
    },
  },
  {
    name: 'odd-id-edge',
    situation: 'an x-request-id is kept with preserve_external_request_id',
    setup: { manager: 'use_remote_address: true, preserve_external_request_id: true' },
    caller: async (caller) => void (await caller.call({ 'x-request-id': 'mine' })),
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      upstream.note(`x-request-id: ${stream.field('x-request-id')}`);
      answer(stream);
    },
  },
  {
    name: 'no-id',
    situation: 'generate_request_id false',
    setup: { manager: 'generate_request_id: false' },
    upstream: notesAll,
  },
  {
    name: 'id-in-response',
    situation: 'always_set_request_id_in_response',
    setup: { manager: 'always_set_request_id_in_response: true' },
  },
  {
    name: 'underscores',
    situation: 'a field name with an underscore (ALLOW)',
    caller: async (caller) => void (await caller.call({ x_under_score: '1' })),
    upstream: notesAll,
  },
  {
    name: 'hop-by-hop',
    situation: 'connection, keep-alive and the like in a request: malformed in HTTP/2',
    caller: async (caller) => {
      const stream = caller.open({ connection: 'close' }, true);
      await stream.over();
    },
    upstream: null,
  },
  {
    name: 'proxy-connection',
    situation: 'proxy-connection in a request',
    caller: async (caller) => {
      const stream = caller.open({ 'proxy-connection': 'close' }, true);
      await stream.over();
    },
    upstream: null,
  },
  { name: 'to-caller', situation: 'what every proxied response has', showsEveryField: true },
  {
    name: 'to-caller-local',
    situation: 'what every local reply has',
    showsEveryField: true,
    setup: { endpoint: null },
    upstream: null,
  },
  {
    name: 'from-upstream',
    situation: 'server, date and x-envoy-* of the upstream',
    showsEveryField: true,
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      stream.headers([
        ...GRPC_HEADERS,
        ['server', 'theirs'],
        ['date', 'Thu, 01 Jan 1970 00:00:00 GMT'],
        ['x-envoy-upstream-service-time', '7'],
        ['x-envoy-overloaded', 'true'],
        ['x-envoy-decorator-operation', 'op'],
        ['x-request-id', 'theirs'],
        ['via', '1.1 x'],
      ]);
      stream.headers([['grpc-status', '0']], true);
    },
  },
  {
    name: 'server-append',
    situation: 'server_header_transformation APPEND_IF_ABSENT',
    showsEveryField: true,
    setup: { manager: 'server_header_transformation: APPEND_IF_ABSENT' },
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      stream.headers([...GRPC_HEADERS, ['server', 'theirs']]);
      stream.headers([['grpc-status', '0']], true);
    },
  },
  {
    name: 'server-pass',
    situation: 'server_header_transformation PASS_THROUGH',
    showsEveryField: true,
    setup: { manager: 'server_header_transformation: PASS_THROUGH' },
  },
  {
    name: 'response-hop-by-hop',
    situation: 'connection in a response: malformed in HTTP/2',
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      stream.headers([...GRPC_HEADERS, ['connection', 'close']], true);
      upstream.note(await stream.ending());
    },
  },
  {
    name: 'attempt-count',
    situation: 'include_request_attempt_count, include_attempt_count_in_response',
    setup: { host: 'include_request_attempt_count: true, include_attempt_count_in_response: true' },
    upstream: notesAll,
  },
  {
    name: 'attempt-count-local',
    situation: 'include_attempt_count_in_response of a local reply',
    setup: { endpoint: null, host: 'include_attempt_count_in_response: true' },
    upstream: null,
  },
  {
    name: 'deadline-shrinks',
    situation: 'x-envoy-expected-rq-timeout-ms of a second try',
    setup: {
      action:
        'timeout: 2s, retry_policy: { retry_on: reset, num_retries: 1, retry_back_off: { base_interval: 0.001s, max_interval: 0.002s } }',
    },
    upstream: async (upstream) => {
      const first = await whole(upstream);
      upstream.note(`first ${first.field('x-envoy-expected-rq-timeout-ms')}`);
      setTimeout(() => first.reset(8), 20);
      const second = await whole(upstream, 0, 3);
      const left = Number(second.field('x-envoy-expected-rq-timeout-ms'));
      upstream.note(left > 1000 && left <= 1990 ? 'second: less' : `second: ${left}`);
      answer(second);
    },
  },
];
