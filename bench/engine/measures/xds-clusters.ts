// An xDS server whose clusters change all at once. A line on stdin with a count and a number makes another set of so many clusters, each with
// its own endpoints; it prints "made", and after one more line "applied" as soon as a client has acknowledged all of it.
import { createInterface } from 'node:readline';
import { systemClock } from '../../../src/core/index.ts';
import { encodeMessage, type MessageName, readMessage } from '../../../src/envoy/index.ts';
import { MetricRegistry, silentLogger } from '../../../src/telemetry/index.ts';
import { createXdsServer } from '../../../src/xds/server/index.ts';
import { type EncodedResource, type Snapshot, TYPE_URLS } from '../../../src/xds/types.ts';
import { FakeSource } from '../../../test/support/fake-source.ts';
import { encodedResource, resourceSet } from '../../../test/support/snapshots.ts';

const source = new FakeSource(clusters(0, 0));
const xds = createXdsServer({
  source,
  listen: { host: '127.0.0.1', port: 0 },
  clock: systemClock,
  logger: silentLogger,
  metrics: new MetricRegistry(),
});
await xds.start();
console.log(xds.address.split(':').at(-1));
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
  const [count, number] = line.value.split(' ').map(Number) as [number, number];
  const snapshot = clusters(count, number);
  console.log('made');
  await lines.next();
  source.snapshot.set(snapshot);
  while (!hasAll(snapshot)) await new Promise((resolve) => setTimeout(resolve, 2));
  console.log('applied');
}
process.exit(0);

function clusters(count: number, number: number): Snapshot {
  const names = Array.from({ length: count }, (_, index) => `live-store/live-store-zone-a-${index}`);
  const cluster = names.map((name) => resource('cluster', name, number, 'envoy.config.cluster.v3.Cluster', edsCluster(name, number)));
  const endpoint = names.map((name) =>
    resource('endpoint', name, number, 'envoy.config.endpoint.v3.ClusterLoadAssignment', endpoints(name, number)),
  );
  const types = [[TYPE_URLS.cluster, resourceSet(cluster)] as const, [TYPE_URLS.endpoint, resourceSet(endpoint)] as const];
  return { version: String(number), types: new Map(types) };
}

function resource(type: 'cluster' | 'endpoint', name: string, number: number, message: MessageName, fields: object): EncodedResource {
  const read = readMessage(message, JSON.stringify(fields), { file: `${name}.json`, format: 'json' });
  if (read.errors.length > 0) throw new Error(JSON.stringify(read.errors));
  return encodedResource(TYPE_URLS[type], name, String(number), encodeMessage(message, read.message));
}

/** One field differs from number to number. */
function edsCluster(name: string, number: number): object {
  const options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  return {
    name,
    type: 'EDS',
    eds_cluster_config: { eds_config: { ads: {}, resource_api_version: 'V3' } },
    connect_timeout: `${number + 1}s`,
    typed_extension_protocol_options: {
      [options]: { '@type': `type.googleapis.com/${options}`, explicit_http_config: { http2_protocol_options: {} } },
    },
    circuit_breakers: { thresholds: [{ max_requests: 10_000 }] },
    outlier_detection: { consecutive_5xx: 5 },
  };
}

/** A member, and one that stands in for it. */
function endpoints(name: string, number: number): object {
  const member = (priority: number): object => {
    const address = { socket_address: { address: '127.0.0.1', port_value: 10_000 + 2 * number + priority } };
    return { priority, lb_endpoints: [{ endpoint: { address } }] };
  };
  return { cluster_name: name, endpoints: [member(0), member(1)] };
}

/** The only client has acknowledged what the snapshot says of each type. */
function hasAll(snapshot: Snapshot): boolean {
  const [client] = xds.clients();
  if (client === undefined) return false;
  return [...snapshot.types].every(([url, { version }]) => client.types.some(({ type, acked }) => type === url && acked === version));
}
