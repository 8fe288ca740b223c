// The same retry policies, real Envoy and our sidecar: who is asked, how often, what the caller gets, and what is counted.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { envoySkip, startEnvoy } from '../support/envoy.ts';
import { answerGrpc, answerStatus, createClient, grpcMessage, grpcStatus, type Peer, startPeer } from '../support/h2-peers.ts';
import { startSidecar } from '../support/sidecar.ts';

type Answer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

interface Case {
  /** YAML fields of the RouteAction beside the cluster. */
  readonly action: string;
  /** YAML fields of the Route. */
  readonly route?: string;
  /** YAML fields of the cluster. */
  readonly cluster?: string;
  /** What the first try gets, the second, …; the last answers all others too. */
  readonly answers: readonly Answer[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: number;
  /** Headers of tries that are compared. */
  readonly sees?: readonly string[];
  /** Counters that are Envoy's and not ours, with a reason: docs/reference/differs-from-envoy.md. */
  readonly notCounted?: readonly string[];
}

const ok: Answer = (stream) => answerGrpc(stream);
const status =
  (code: number): Answer =>
  (stream) =>
    answerStatus(stream, code, 'from upstream');
const http =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (stream) => {
    stream.resume();
    stream.once('end', () => stream.respond({ ':status': code, ...headers }, { endStream: true }));
  };
const reset =
  (code: number): Answer =>
  (stream) => {
    stream.resume();
    stream.once('end', () => stream.close(code));
  };
const hang: Answer = (stream) => stream.resume();
const slow =
  (afterMs: number): Answer =>
  (stream) => {
    setTimeout(() => answerGrpc(stream), afterMs);
  };
const headersThenHang: Answer = (stream) => {
  stream.resume();
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
};
const realTrailers =
  (code: number): Answer =>
  (stream) =>
    answerGrpc(stream, { trailers: { 'grpc-status': String(code) } });

const FAST = 'retry_back_off: { base_interval: 0.001s, max_interval: 0.002s }';
const on = (words: string, more = ''): string =>
  `timeout: 0s, retry_policy: { retry_on: "${words}", ${FAST}${more === '' ? '' : `, ${more}`} }`;
const RETRIES = [
  'upstream_rq_retry',
  'upstream_rq_retry_success',
  'upstream_rq_retry_limit_exceeded',
  'upstream_rq_retry_overflow',
  'upstream_rq_retry_backoff_exponential',
  'upstream_rq_retry_backoff_ratelimited',
  'upstream_rq_total',
  'upstream_rq_timeout',
  'upstream_rq_per_try_timeout',
  'upstream_rq_per_try_idle_timeout',
  'upstream_rq_completed',
  'upstream_rq_rx_reset',
  'upstream_rq_tx_reset',
  'retry.upstream_rq_completed',
  'retry.upstream_rq_503',
  'retry.upstream_rq_200',
  'retry_or_shadow_abandoned',
];

// where an answer is to come in time there is a quarter of a second for it: the machine may be busy
const CASES: Readonly<Record<string, Case>> = {
  '5xx-status': { action: on('5xx'), answers: [http(503), ok] },
  '5xx-reset': { action: on('5xx'), answers: [reset(8), ok] },
  '5xx-grpc': { action: on('5xx'), answers: [status(14), ok] },
  'gateway-error': { action: on('gateway-error'), answers: [http(500)] },
  'gateway-error-502': { action: on('gateway-error'), answers: [http(502), ok] },
  reset: { action: on('reset'), answers: [reset(8), ok] },
  'reset-refused': { action: on('reset'), answers: [reset(7), ok] },
  'reset-status': { action: on('reset'), answers: [http(503), ok] },
  'refused-stream': { action: on('refused-stream'), answers: [reset(7), ok] },
  'refused-stream-other': { action: on('refused-stream'), answers: [reset(8), ok] },
  'connect-failure-reset': { action: on('connect-failure'), answers: [reset(8), ok] },
  'before-request': { action: on('reset-before-request'), answers: [reset(8), ok] },
  'retriable-4xx': { action: on('retriable-4xx'), answers: [http(409), http(404)] },
  'status-codes': { action: on('retriable-status-codes', 'retriable_status_codes: [418]'), answers: [http(418), http(419)] },
  'codes-without-word': { action: on('reset', 'retriable_status_codes: [418]'), answers: [http(418), ok] },
  'headers-word': {
    action: on('retriable-headers', 'retriable_headers: [{ name: x-again, string_match: { exact: "yes" } }]'),
    answers: [http(200, { 'x-again': 'no' }), ok],
  },
  'headers-match': {
    action: on(
      'retriable-headers',
      'retriable_headers: [{ name: x-other, present_match: true }, { name: x-again, string_match: { exact: "yes" } }]',
    ),
    answers: [http(200, { 'x-again': 'yes' }), ok],
  },
  'headers-without-word': {
    action: on('reset', 'retriable_headers: [{ name: x-again, present_match: true }]'),
    answers: [http(200, { 'x-again': 'yes' }), ok],
  },
  'request-headers-no': {
    action: on('unavailable', 'retriable_request_headers: [{ name: x-idempotent, present_match: true }]'),
    answers: [status(14), ok],
  },
  'request-headers-yes': {
    action: on('unavailable', 'retriable_request_headers: [{ name: x-idempotent, present_match: true }]'),
    answers: [status(14), ok],
    headers: { 'x-idempotent': '1' },
  },
  'ratelimited-no': { action: on('5xx'), answers: [http(503, { 'x-envoy-ratelimited': 'true' }), ok] },
  'ratelimited-yes': { action: on('envoy-ratelimited'), answers: [http(429, { 'x-envoy-ratelimited': 'true' }), ok] },
  overloaded: { action: on('5xx'), answers: [http(503, { 'x-envoy-overloaded': 'true' }), ok] },
  cancelled: { action: on('cancelled'), answers: [status(1), ok] },
  'deadline-exceeded': { action: on('deadline-exceeded'), answers: [status(4), ok] },
  internal: { action: on('internal'), answers: [status(13), ok] },
  'resource-exhausted': { action: on('resource-exhausted'), answers: [status(8), ok] },
  unavailable: { action: on('unavailable'), answers: [status(14), ok] },
  'unavailable-real-trailers': { action: on('unavailable'), answers: [realTrailers(14), ok] },
  unknown: { action: on('cancelled,deadline-exceeded,internal,resource-exhausted,unavailable'), answers: [status(2), ok] },
  'zero-retries': { action: on('unavailable', 'num_retries: 0'), answers: [status(14), ok] },
  'three-retries': {
    action: on('unavailable', 'num_retries: 3'),
    answers: [status(14), reset(8), status(14), ok],
    notCounted: ['upstream_rq_retry_success'],
  },
  'used-up': { action: on('unavailable,reset', 'num_retries: 2'), answers: [status(14), reset(8), reset(8)] },
  'used-up-answer': { action: on('unavailable,reset', 'num_retries: 2'), answers: [reset(8), reset(8), status(14)] },
  'no-policy': { action: 'timeout: 0s', answers: [status(14), ok] },
  'per-try': { action: on('5xx', 'num_retries: 1, per_try_timeout: 0.25s'), answers: [hang, ok] },
  'per-try-twice': { action: on('reset', 'num_retries: 1, per_try_timeout: 0.05s'), answers: [hang] },
  'per-try-word': { action: on('unavailable', 'num_retries: 1, per_try_timeout: 0.05s'), answers: [hang, ok] },
  'per-try-after-headers': {
    action: on('5xx', 'num_retries: 1, per_try_timeout: 0.25s').replace('timeout: 0s', 'timeout: 0.5s'),
    answers: [headersThenHang],
  },
  'per-try-over-timeout': {
    action: on('5xx', 'num_retries: 1, per_try_timeout: 0.2s').replace('timeout: 0s', 'timeout: 0.1s'),
    answers: [hang],
    sees: ['x-envoy-expected-rq-timeout-ms'],
  },
  'per-try-under-timeout': {
    action: on('5xx', 'num_retries: 1, per_try_timeout: 0.25s').replace('timeout: 0s', 'timeout: 3s'),
    answers: [hang, ok],
  },
  'per-try-idle': { action: on('5xx', 'num_retries: 1, per_try_idle_timeout: 0.25s'), answers: [hang, ok] },
  'per-try-idle-twice': { action: on('5xx', 'num_retries: 1, per_try_idle_timeout: 0.05s'), answers: [hang] },
  'per-try-idle-after-headers': { action: on('5xx', 'num_retries: 1, per_try_idle_timeout: 0.25s'), answers: [headersThenHang] },
  hedge: {
    action: `${on('unavailable', 'num_retries: 1, per_try_timeout: 0.25s')}, hedge_policy: { hedge_on_per_try_timeout: true }`,
    answers: [hang, ok],
    notCounted: ['upstream_rq_retry_backoff_exponential'],
  },
  'hedge-slow': {
    action: `${on('unavailable', 'num_retries: 1, per_try_timeout: 0.05s')}, hedge_policy: { hedge_on_per_try_timeout: true }`,
    answers: [slow(500), hang],
    notCounted: ['upstream_rq_retry_backoff_exponential'],
  },
  'hedge-refused': {
    action: `${on('unavailable', 'num_retries: 0, per_try_timeout: 0.05s')}, hedge_policy: { hedge_on_per_try_timeout: true }`,
    answers: [slow(300)],
  },
  'hedge-timeout': {
    // what is left for the hedge is far from where a time is rounded to another one
    action: `${on('unavailable', 'num_retries: 1, per_try_timeout: 0.15s').replace('timeout: 0s', 'timeout: 0.4s')}, hedge_policy: { hedge_on_per_try_timeout: true }`,
    answers: [hang],
    sees: ['x-envoy-expected-rq-timeout-ms'],
    notCounted: ['upstream_rq_retry_backoff_exponential'],
  },
  timeout: { action: 'timeout: 0.1s', answers: [hang], sees: ['x-envoy-expected-rq-timeout-ms'] },
  'stream-duration-and-timeout': {
    action: 'timeout: 0.1s, max_stream_duration: { max_stream_duration: 0.8s }',
    answers: [slow(200)],
    sees: ['x-envoy-expected-rq-timeout-ms'],
  },
  'stream-duration': { action: 'timeout: 0s, max_stream_duration: { max_stream_duration: 0.1s }', answers: [hang], sees: ['grpc-timeout'] },
  'grpc-timeout-header-max': {
    action: 'timeout: 0s, max_stream_duration: { grpc_timeout_header_max: 0s }',
    answers: [hang],
    headers: { 'grpc-timeout': '100m' },
    sees: ['grpc-timeout', 'x-envoy-expected-rq-timeout-ms'],
  },
  'grpc-timeout-header-capped': {
    action: 'timeout: 0s, max_stream_duration: { grpc_timeout_header_max: 0.1s }',
    answers: [hang],
    headers: { 'grpc-timeout': '10S' },
    sees: ['grpc-timeout'],
  },
  'grpc-timeout-header-offset': {
    action: 'timeout: 0s, max_stream_duration: { grpc_timeout_header_max: 0s, grpc_timeout_header_offset: 9.9s }',
    answers: [hang],
    headers: { 'grpc-timeout': '10S' },
  },
  'max-grpc-timeout': {
    action: 'timeout: 5s, max_grpc_timeout: 0s',
    answers: [hang],
    headers: { 'grpc-timeout': '100m' },
    sees: ['grpc-timeout', 'x-envoy-expected-rq-timeout-ms'],
  },
  'max-grpc-timeout-capped': {
    action: 'timeout: 5s, max_grpc_timeout: 0.1s',
    answers: [hang],
    headers: { 'grpc-timeout': '10S' },
    sees: ['grpc-timeout', 'x-envoy-expected-rq-timeout-ms'],
  },
  'max-grpc-timeout-absent': {
    action: 'timeout: 5s, max_grpc_timeout: 0.1s',
    answers: [hang],
    sees: ['grpc-timeout', 'x-envoy-expected-rq-timeout-ms'],
  },
  'max-grpc-timeout-offset': {
    action: 'timeout: 5s, max_grpc_timeout: 0s, grpc_timeout_offset: 0.05s',
    answers: [hang],
    headers: { 'grpc-timeout': '150m' },
    sees: ['grpc-timeout', 'x-envoy-expected-rq-timeout-ms'],
  },
  'max-grpc-timeout-infinite': {
    action: 'timeout: 0.05s, max_grpc_timeout: 0s',
    answers: [slow(120)],
    sees: ['grpc-timeout', 'x-envoy-expected-rq-timeout-ms'],
  },
  'rate-limited-seconds': {
    action: on('5xx', 'rate_limited_retry_back_off: { reset_headers: [{ name: retry-after, format: SECONDS }], max_interval: 300s }'),
    answers: [http(503, { 'retry-after': '1' }), ok],
  },
  'rate-limited-too-long': {
    action: on('5xx', 'rate_limited_retry_back_off: { reset_headers: [{ name: retry-after, format: SECONDS }], max_interval: 10s }'),
    answers: [http(503, { 'retry-after': '60' }), ok],
  },
  'rate-limited-garbage': {
    action: on('5xx', 'rate_limited_retry_back_off: { reset_headers: [{ name: retry-after, format: SECONDS }] }'),
    answers: [http(503, { 'retry-after': 'soon' }), ok],
  },
  overflow: {
    action: on('unavailable'),
    cluster: 'circuit_breakers: { thresholds: [{ max_retries: 0 }] }',
    answers: [status(14), ok],
  },
  'budget-zero': {
    action: on('unavailable'),
    cluster: 'circuit_breakers: { thresholds: [{ retry_budget: { budget_percent: { value: 0 }, min_retry_concurrency: 0 } }] }',
    answers: [status(14), ok],
  },
  'budget-floor': {
    action: on('unavailable'),
    cluster: 'circuit_breakers: { thresholds: [{ max_retries: 0, retry_budget: { budget_percent: { value: 0 } } }] }',
    answers: [status(14), ok],
  },
  'body-beyond-connection': { action: on('reset'), answers: [reset(8), ok], body: 300_000 },
  'body-limit-of-route': {
    action: on('reset'),
    route: 'per_request_buffer_limit_bytes: 400000',
    answers: [reset(8), ok],
    body: 300_000,
  },
  'body-small-limit-of-route': {
    action: on('reset'),
    route: 'per_request_buffer_limit_bytes: 1000',
    answers: [reset(8), ok],
    body: 30_000,
  },
  'body-request-limit': { action: on('reset'), route: 'request_body_buffer_limit: 400000', answers: [reset(8), ok], body: 300_000 },
};

function bootstrap(addresses: readonly string[], log: string): string {
  const endpoint = (address: string): string => {
    const [host, port] = address.split(':');
    return `{ endpoint: { address: { socket_address: { address: ${host}, port_value: ${port} } } } }`;
  };
  const clusters = Object.entries(CASES).map(
    ([
      name,
      { cluster },
    ]) => `{ name: "${name}", connect_timeout: 1s, common_lb_config: { healthy_panic_threshold: { value: 0 } }, typed_extension_protocol_options: { envoy.extensions.upstreams.http.v3.HttpProtocolOptions: { "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: { http2_protocol_options: {} } } },
      load_assignment: { cluster_name: "${name}", endpoints: [{ lb_endpoints: [${addresses.map(endpoint).join(', ')}] }] }${cluster === undefined ? '' : `, ${cluster}`} }`,
  );
  const routes = Object.entries(CASES).map(
    ([name, { action, route }]) =>
      `{ name: "${name}", match: { path: "/${name}" }, route: { cluster: "${name}", ${action} }${route === undefined ? '' : `, ${route}`} }`,
  );
  return `
node: { id: test, cluster: test }
admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }
static_resources:
  clusters:
${clusters.map((text) => `  - ${text}`).join('\n')}
  listeners:
  - name: in
    per_connection_buffer_limit_bytes: 100000
    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          http_filters: [{ name: router, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }]
          access_log:
          - name: file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: ${log}
              log_format: { text_format_source: { inline_string: "%REQ(:PATH)% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %UPSTREAM_REQUEST_ATTEMPT_COUNT%\\n" } }
          route_config:
            name: all
            virtual_hosts:
            - name: all
              domains: ["*"]
              include_request_attempt_count: true
              include_attempt_count_in_response: true
              routes:
${routes.map((text) => `              - ${text}`).join('\n')}
`;
}

/** What one proxy made of one case. */
interface Outcome {
  readonly http: string;
  readonly grpc: number;
  readonly message: string;
  readonly reset: number;
  readonly attempts: string;
  readonly tries: readonly string[];
  log: string;
  stats: Readonly<Record<string, number>>;
}

/** The backends' side of a run: which try of which case each stream is. */
class Script {
  readonly #seen = new Map<string, IncomingHttpHeaders[]>();

  readonly answer: Answer = (stream, headers) => {
    const name = String(headers[':path']).slice(1);
    const seen = this.#seen.get(name) ?? [];
    this.#seen.set(name, seen);
    seen.push(headers);
    const { answers } = CASES[name] as Case;
    (answers[seen.length - 1] ?? (answers.at(-1) as Answer))(stream, headers);
  };

  /** The tries of a case so far; forgets them. */
  take(name: string): readonly string[] {
    const { sees = [] } = CASES[name] as Case;
    const tries = (this.#seen.get(name) ?? []).map((headers) =>
      ['x-envoy-attempt-count', ...sees].map((header) => `${header}=${rounded(header, headers[header])}`).join(' '),
    );
    this.#seen.delete(name);
    return tries;
  }
}

/** What is left of a time, up to the next 100 ms: nobody measures the same. */
function rounded(header: string, value: string | string[] | undefined): string {
  if (header !== 'x-envoy-expected-rq-timeout-ms' || value === undefined) return String(value);
  return `<=${Math.ceil(Number(value) / 100) * 100}`;
}

async function run(target: string, script: Script): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  const client = createClient(target);
  for (const [name, { headers, body }] of Object.entries(CASES)) {
    const outcome = await client.call({
      path: `/${name}`,
      ...(headers ? { headers } : {}),
      ...(body === undefined ? {} : { body: Buffer.alloc(body) }),
    });
    outcomes.set(name, {
      http: String(outcome.headers[':status']),
      grpc: grpcStatus(outcome),
      message: grpcMessage(outcome),
      reset: outcome.reset,
      attempts: String(outcome.headers['x-envoy-attempt-count']),
      tries: script.take(name),
      log: '',
      stats: {},
    });
  }
  await client.close();
  return outcomes;
}

function addLog(outcomes: ReadonlyMap<string, Outcome>, text: string): void {
  for (const [name, outcome] of outcomes) {
    outcome.log = text
      .split('\n')
      .filter((line) => line.startsWith(`/${name} `))
      .join('; ');
  }
}

function addStats(outcomes: ReadonlyMap<string, Outcome>, text: string): void {
  for (const [name, outcome] of outcomes) {
    const prefix = `cluster.${name}.`;
    const values = text
      .split('\n')
      .filter((line) => line.startsWith(prefix))
      .map((line) => line.slice(prefix.length).split(': ') as [string, string])
      .filter(([stat, value]) => value !== '0' && RETRIES.includes(stat) && !CASES[name]?.notCounted?.includes(stat));
    outcome.stats = Object.fromEntries(values.map(([stat, value]) => [stat, Number(value)]).sort());
  }
}

t.test('retry policies', { skip: envoySkip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ringway-retries-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const script = new Script();
  const peers: readonly Peer[] = [await startPeer(script.answer), await startPeer(script.answer)];
  t.teardown(() => Promise.all(peers.map((peer) => peer.kill())));
  const addresses = peers.map(({ address }) => address);

  const theirLog = join(folder, 'envoy.log');
  const envoy = await startEnvoy(bootstrap(addresses, theirLog), { args: ['--file-flush-interval-msec', '20'] });
  t.teardown(() => envoy.stop());
  await envoy.waitReady();
  const theirs = await run(`127.0.0.1:${await envoy.listenerPort('in')}`, script);
  addStats(theirs, await envoy.admin('/stats?filter=^cluster'));
  await envoy.stop();
  addLog(theirs, readFileSync(theirLog, 'utf8'));

  const ourLog = join(folder, 'ours.log');
  const sidecar = await startSidecar(bootstrap(addresses, ourLog));
  t.teardown(() => sidecar.role.stop());
  const ours = await run(sidecar.listener('in'), script);
  addStats(ours, await sidecar.admin('/stats?filter=^cluster'));
  await sidecar.role.stop();
  addLog(ours, readFileSync(ourLog, 'utf8'));

  for (const [name, outcome] of theirs) t.strictSame(ours.get(name), outcome, name);
});
