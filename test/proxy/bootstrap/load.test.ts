import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { RingwayError } from '../../../src/core/index.ts';
import { durationMs, formatProblem } from '../../../src/envoy/index.ts';
import {
  BootstrapError,
  type BootstrapOptions,
  bootstrapYaml,
  inboundBootstrap,
  loadBootstrap,
} from '../../../src/proxy/bootstrap/index.ts';
import { badBootstraps } from '../../support/bad-bootstraps.ts';

const GOOD = 'node: {id: a, cluster: c}\nstats_flush_interval: 1s\n';

t.test('a YAML and a JSON file', async (t) => {
  const yaml = await loadBootstrap({ configPath: file(t, 'e.yaml', GOOD) });
  t.equal(yaml.bootstrap.node?.id, 'a');
  t.strictSame(yaml.warnings, []);
  const json = await loadBootstrap({ configPath: file(t, 'e.json', '{"node": {"id": "b"}}') });
  t.equal(json.bootstrap.node?.id, 'b');
  const other = await loadBootstrap({ configPath: file(t, 'e.conf', '{"node": {"id": "c"}}') });
  t.equal(other.bootstrap.node?.id, 'c');
});

t.test('what we print we read', async (t) => {
  const bootstrap = inboundBootstrap({
    ring: 'r',
    listen: { host: '', port: 1 },
    local: { host: '', port: 2 },
    control: { host: 'c', port: 3 },
    member: 'm',
  });
  const loaded = await loadBootstrap({ configPath: file(t, 'e.yaml', bootstrapYaml(bootstrap)) });
  t.strictSame(loaded.bootstrap, bootstrap);
  t.strictSame(loaded.warnings, []);
});

t.test('--config-yaml is laid over the file, or stands alone', async (t) => {
  const configPath = file(t, 'e.yaml', GOOD);
  const { bootstrap } = await loadBootstrap({ configPath, configYaml: 'node: {id: b, locality: {zone: z}}' });
  t.equal(bootstrap.node?.id, 'b');
  t.equal(bootstrap.node?.cluster, 'c');
  t.equal(bootstrap.node?.locality?.zone, 'z');
  t.equal(durationMs(bootstrap.statsFlushInterval), 1_000);
  t.equal((await loadBootstrap({ configYaml: 'node: {id: alone}' })).bootstrap.node?.id, 'alone');
  t.strictSame(await linesOf({ configPath, configYaml: 'nodde: {}\nadmin: 1' }), [
    "--config-yaml:1:1: nodde: no such field: 'nodde' in message envoy.config.bootstrap.v3.Bootstrap; did you mean 'node'?",
    '--config-yaml:2:8: admin: expected an object (message envoy.config.bootstrap.v3.Admin), got the number 1',
  ]);
});

t.test('constraints hold for the whole, not for its parts', async (t) => {
  const configPath = file(t, 'e.yaml', 'admin: {address: {socket_address: {address: 127.0.0.1}}}\n');
  t.match(await linesOf({ configPath }), [
    /^.*e\.yaml:1:35: admin\.address\.socket_address: Proto constraint validation failed .*field: "port_specifier", reason: is required\)$/,
  ]);
  const { bootstrap } = await loadBootstrap({ configPath, configYaml: 'admin: {address: {socket_address: {port_value: 1}}}' });
  t.match(bootstrap.admin?.address?.address, { $case: 'socketAddress', value: { portSpecifier: { $case: 'portValue', value: 1 } } });
  t.match(await linesOf({ configPath, configYaml: 'admin: {address: {socket_address: {port_value: 99999}}}' }), [
    /^--config-yaml:1:48: admin\.address\.socket_address\.port_value: .* 65535\)$/,
  ]);
});

t.test('the flags that name the node win over the file', async (t) => {
  const configPath = file(t, 'e.yaml', GOOD);
  const { bootstrap } = await loadBootstrap({ configPath, serviceNode: 'pod-0', serviceZone: 'z', serviceCluster: '' });
  t.equal(bootstrap.node?.id, 'pod-0');
  t.equal(bootstrap.node?.cluster, 'c');
  t.equal(bootstrap.node?.locality?.zone, 'z');
  const bare = await loadBootstrap({ configYaml: 'admin: {}', serviceCluster: 'x' });
  t.equal(bare.bootstrap.node?.cluster, 'x');
});

t.test('no file, no flags', async (t) => {
  const missing = join(t.testdir(), 'nope.yaml');
  t.strictSame(await linesOf({ configPath: missing }), [`Invalid path: ${missing}: no such file`]);
  t.strictSame(await linesOf({ configPath: t.testdirName }), [`Invalid path: ${t.testdirName}: it is a folder`]);
  t.strictSame(await linesOf({}), ['at least one of --config-path (-c) and --config-yaml should be non-empty']);
});

t.test('YAML under another name says so', async (t) => {
  const configPath = file(t, 'x.conf', GOOD);
  t.strictSame(await linesOf({ configPath }), [
    `${configPath}:1:1: invalid JSON: unexpected character 'n'; YAML is read only from a file that ends in .yaml or .yml`,
  ]);
});

t.test('the error itself is one line and counts the rest', async (t) => {
  const configPath = file(t, 'e.yaml', 'foo: 1\nbar: 2\nnode: 3\n');
  const error = await errorOf({ configPath });
  t.ok(error instanceof RingwayError);
  t.equal(error.code, 'BAD_BOOTSTRAP');
  t.equal(error.lines.length, 3);
  t.equal(
    error.message,
    `error initializing configuration '${configPath}': ${configPath}:1:1: foo: no such field: 'foo' in message envoy.config.bootstrap.v3.Bootstrap (and 2 more)`,
  );
});

t.test('every bad bootstrap is refused', async (t) => {
  for (const { title, text, format, errors } of badBootstraps) {
    const configPath = file(t, `e.${format ?? 'yaml'}`, text);
    const lines = await linesOf({ configPath });
    t.equal(lines.length, errors.length, title);
    for (const [index, line] of lines.entries()) t.ok(line.startsWith(`${configPath}:${errors[index]}`), line);
  }
});

t.test('unknown fields with --allow-unknown-static-fields', async (t) => {
  const { warnings } = await loadBootstrap({ configYaml: 'node: {id: a}\nfoo: 1\n', allowsUnknownFields: true });
  t.strictSame(warnings.map(formatProblem), [
    "--config-yaml:2:1: foo: no such field: 'foo' in message envoy.config.bootstrap.v3.Bootstrap",
  ]);
});

t.test('what Envoy refuses beyond fields and constraints', async (t) => {
  const cluster = (name: string): string => `{name: ${name}, type: STATIC}`;
  const ads = (name: string): string =>
    `dynamic_resources: {ads_config: {api_type: GRPC, grpc_services: [{envoy_grpc: {cluster_name: ${name}}}]}}`;
  t.strictSame(await linesOf({ configYaml: `static_resources: {clusters: [${cluster('a')}, ${cluster('b')}, ${cluster('a')}]}` }), [
    `--config-yaml:1:88: static_resources.clusters[2].name: cluster manager: duplicate cluster 'a' (cluster "a")`,
  ]);
  t.strictSame(await linesOf({ configYaml: `node: {id: me, cluster: c}\n${ads('nope')}` }), [
    "--config-yaml:2:94: dynamic_resources.ads_config.grpc_services[0].envoy_grpc.cluster_name: Unknown gRPC client cluster 'nope'",
  ]);
  const xds = `static_resources: {clusters: [${cluster('xds')}]}\n`;
  t.strictSame(await linesOf({ configYaml: `${xds}${ads('xds')}` }), [
    "--config-yaml:1:1: node: ads: node 'id' and 'cluster' are required. Set it either in 'node' config or via --service-node and --service-cluster options.",
  ]);
  const named = await loadBootstrap({ configYaml: `${xds}${ads('xds')}`, serviceNode: 'me', serviceCluster: 'c' });
  t.equal(named.bootstrap.node?.id, 'me');
  t.strictSame(await linesOf({ configYaml: 'header_prefix: x-other' }), [
    "--config-yaml:1:16: header_prefix: 'x-other' is not supported; allowed: x-envoy",
  ]);
  t.match(await linesOf({ configYaml: `${xds}node: {id: me, cluster: c}\n${ads('xds').replace('GRPC', 'REST')}` }), [
    /api_type: not supported here; allowed: GRPC, DELTA_GRPC$/,
  ]);
});

t.test('what is taken and does nothing is a warning', async (t) => {
  const { warnings } = await loadBootstrap({
    configYaml:
      'node: {id: me}\nflags_path: /x\ndynamic_resources: {lds_config: {ads: {}}}\nlayered_runtime: {layers: [{name: r, rtds_layer: {name: r}}]}\n',
  });
  t.strictSame(warnings.map(formatProblem).sort(), [
    '--config-yaml:2:13: flags_path: has no effect in ringway sidecar',
    '--config-yaml:3:39: dynamic_resources.lds_config.ads: there is no ads_config: this is never answered',
    '--config-yaml:4:50: layered_runtime.layers[0].rtds_layer: has no effect in ringway sidecar',
  ]);
});

function file(t: Test, name: string, text: string): string {
  const path = join(t.testdir(), name);
  writeFileSync(path, text);
  return path;
}

async function errorOf(options: BootstrapOptions): Promise<BootstrapError> {
  const error: unknown = await loadBootstrap(options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof BootstrapError) return error;
  throw error ?? new Error('it was taken');
}

async function linesOf(options: BootstrapOptions): Promise<readonly string[]> {
  return (await errorOf(options)).lines;
}
