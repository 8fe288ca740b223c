// The egress shape with real parts: one member cluster with a stand-in, grpc-go live-stores as processes, and Envoy or `ringway sidecar`
// before them with the same bootstrap.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseHostPort } from '../../src/core/index.ts';
import { GrpcClient, type UnaryReply } from '../../src/demo/grpc/index.ts';
import { startEnvoy } from './envoy.ts';
import { Load, type LoadReport } from './load.ts';
import { startSidecarProcess } from './sidecar-process.ts';

export type ProxyKind = 'envoy' | 'ringway';

/** A grpc-go server as a process. */
export interface Member {
  /** 127.0.0.1:port. */
  readonly address: string;
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
  stop(): Promise<void>;
}

/** `program`: the `interop` program of test/interop/go. */
export async function startMember(program: string): Promise<Member> {
  const child: ChildProcess = spawn(program, ['server'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = once(child, 'exit');
  const endWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', endWithUs);
  const lines = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> });
  const [line] = (await once(lines, 'line')) as [string];
  lines.resume();
  return {
    address: `127.0.0.1:${(JSON.parse(line) as { port: number }).port}`,
    signal: (name) => void child.kill(name),
    stop: async () => {
      process.removeListener('exit', endWithUs);
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** A proxy whose listener routes by the first segment of the path's service to a cluster of the recipe. */
export interface Egress {
  readonly kind: ProxyKind;
  readonly target: string;
  /** A counter of the cluster. */
  stat(cluster: ClusterName, name: string): Promise<number>;
  stop(): Promise<void>;
}

/** `member`: two owners of a partition; `alone`: the only owner of another one. */
export type ClusterName = 'member' | 'alone';

/** Starts a proxy before these members; `owners` is the member and its stand-in. */
export async function startEgress(kind: ProxyKind, owners: readonly [string, string], alone: string): Promise<Egress> {
  const yaml = recipe(owners, alone);
  return kind === 'envoy' ? startTheirs(yaml) : startOurs(yaml);
}

async function startTheirs(yaml: string): Promise<Egress> {
  const envoy = await startEnvoy(yaml, { logLevel: 'warning' });
  await envoy.waitReady();
  return {
    kind: 'envoy',
    target: `127.0.0.1:${await envoy.listenerPort('egress')}`,
    stat: async (cluster, name) => (await envoy.stats(`^cluster\\.${cluster}\\.`)).get(`cluster.${cluster}.${name}`) ?? 0,
    stop: () => envoy.stop(),
  };
}

async function startOurs(yaml: string): Promise<Egress> {
  const folder = mkdtempSync(join(tmpdir(), 'ringway-egress-'));
  const file = join(folder, 'egress.yaml');
  writeFileSync(file, yaml);
  const ends: (() => void)[] = [];
  const sidecar = await startSidecarProcess({ teardown: (end) => void ends.push(end) }, ['-c', file], 0);
  const endWithUs = (): void => void sidecar.child.kill('SIGKILL');
  process.once('exit', endWithUs);
  await sidecar.says('egress on ');
  return {
    kind: 'ringway',
    target: sidecar.listener('egress'),
    stat: async (cluster, name) => (await sidecar.stats(`^cluster\\.${cluster}\\.`)).get(`cluster.${cluster}.${name}`) ?? 0,
    stop: async () => {
      process.removeListener('exit', endWithUs);
      for (const end of ends) end();
      await sidecar.exit;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A call to a cluster of the recipe: what the grpc-go server is to do with it, and how many milliseconds it may take. */
export async function call(client: GrpcClient, cluster: ClusterName, ask: object = {}, timeoutMs = 10_000): Promise<UnaryReply> {
  return client.unary({
    path: PATH,
    authority: cluster,
    message: Buffer.from('trace'),
    metadata: metadataOf(ask),
    timeoutMs,
  });
}

export function clientOf(egress: Egress): GrpcClient {
  return new GrpcClient(parseHostPort(egress.target));
}

/** Calls of some milliseconds at a steady rate to the member, `disturb`ed on the way. */
export async function underLoad(egress: Egress, ratePerSecond: number, disturb: () => Promise<void>): Promise<LoadReport> {
  const load = new Load({
    egress: parseHostPort(egress.target),
    ratePerSecond,
    maxPending: 4_000,
    targets: () => [{ authority: 'member', topic: { partition: 0, partitions: 1 } }],
    ask: () => ({ path: PATH, message: Buffer.from('trace'), check: ([answer]) => (answer?.toString() === 'trace' ? '' : 'wrong answer') }),
    metadata: metadataOf({ DelayMs: 2 }),
  });
  await disturb();
  return load.stop();
}

const PATH = '/tempopb.Querier/FindTraceByID';

function metadataOf(ask: object): Record<string, string> {
  return { 'x-scope-orgid': 'single-tenant', 'x-ask-bin': Buffer.from(JSON.stringify({ ID: 'x', ...ask })).toString('base64') };
}

const RETRY = `retry_policy:
                      retry_on: connect-failure,refused-stream,reset,unavailable
                      num_retries: 1
                      per_try_timeout: 0.15s
                      retry_priority: { name: p, typed_config: { "@type": type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig, update_frequency: 1 } }
                      retry_host_predicate: [{ name: h, typed_config: { "@type": type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate } }]
                      host_selection_retry_max_attempts: 3
                      retry_back_off: { base_interval: 0.005s, max_interval: 0.05s }
                    hedge_policy: { hedge_on_per_try_timeout: true }`;

function recipe(owners: readonly [string, string], alone: string): string {
  return `
node: { id: egress, cluster: ring/egress }
admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }
static_resources:
  clusters:
${clusterYaml('member', owners)}
${clusterYaml('alone', [alone])}
  listeners:
  - name: egress
    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: egress
          http2_protocol_options: { max_concurrent_streams: 10000 }
          http_filters: [{ name: router, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }]
          route_config:
            name: egress
            virtual_hosts:
${(['member', 'alone'] as const)
  .map(
    (name) => `            - name: ${name}
              domains: ["${name}"]
              routes:
              - match: { prefix: / }
                route:
                    cluster: ${name}
                    timeout: 0s
                    ${RETRY}`,
  )
  .join('\n')}
`;
}

function clusterYaml(name: ClusterName, addresses: readonly string[]): string {
  const endpoints = addresses.map((address, priority) => {
    const { host, port } = parseHostPort(address);
    return `{ priority: ${priority}, lb_endpoints: [{ endpoint: { address: { socket_address: { address: ${host}, port_value: ${port} } } } }] }`;
  });
  return `  - name: ${name}
    connect_timeout: 0.25s
    typed_extension_protocol_options: { envoy.extensions.upstreams.http.v3.HttpProtocolOptions: { "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: { http2_protocol_options: {} } } }
    common_lb_config: { healthy_panic_threshold: { value: 0 }, update_merge_window: 0s }
    circuit_breakers: { thresholds: [{ max_connections: 10000, max_pending_requests: 10000, max_requests: 10000, max_retries: 10000 }] }
    outlier_detection:
      split_external_local_origin_errors: true
      enforcing_consecutive_5xx: 0
      consecutive_gateway_failure: 3
      enforcing_consecutive_gateway_failure: 100
      consecutive_local_origin_failure: 3
      interval: 1s
      base_ejection_time: 2s
      max_ejection_percent: 50
    load_assignment: { cluster_name: ${name}, endpoints: [${endpoints.join(', ')}] }`;
}
