import t from 'tap';
import {
  checkConstraints,
  codecOf,
  create,
  decodeMessage,
  durationMs,
  durationOf,
  encodeMessage,
  formatDuration,
  formatProblem,
  formatTimestamp,
  isMessageName,
  jsonToYaml,
  mergeMessages,
  messageToJson,
  packAny,
  parseDuration,
  parseTimestamp,
  readMessage,
  typeNameOf,
  typeUrlOf,
  unpackAny,
} from '../../src/envoy/index.ts';
import { Bootstrap } from '../../src/gen/envoy/config/bootstrap/v3/bootstrap.ts';
import { Cluster, Cluster_DiscoveryType } from '../../src/gen/envoy/config/cluster/v3/cluster.ts';
import { Node } from '../../src/gen/envoy/config/core/v3/base.ts';
import { RouteConfiguration } from '../../src/gen/envoy/config/route/v3/route.ts';
import { VirtualHost } from '../../src/gen/envoy/config/route/v3/route_components.ts';
import { HttpProtocolOptions } from '../../src/gen/envoy/extensions/upstreams/http/v3/http_protocol_options.ts';

const CLUSTER = 'envoy.config.cluster.v3.Cluster';
const BOOTSTRAP = 'envoy.config.bootstrap.v3.Bootstrap';

t.test('durations: every JSON form, to the nanosecond', async (t) => {
  t.strictSame(parseDuration('0.25s'), { seconds: 0n, nanos: 250_000_000 });
  t.strictSame(parseDuration('-1.000000001s'), { seconds: -1n, nanos: -1 });
  t.strictSame(parseDuration('315576000000s'), { seconds: 315_576_000_000n, nanos: 0 });
  for (const bad of ['', '1', 's', '.5s', '1.s', '1ms', '+1s', ' 1s', '1.0000000001s', '315576000001s', '1e3s'])
    t.equal(parseDuration(bad), null, bad);
  t.equal(formatDuration(durationOf(250)), '0.250s');
  t.equal(formatDuration(durationOf(15_000)), '15s');
  t.equal(formatDuration({ seconds: -1n, nanos: -1_000 }), '-1.000001s');
  t.equal(formatDuration({ seconds: 0n, nanos: -1 }), '-0.000000001s');
  t.equal(durationMs(durationOf(1_234.5)), 1_234.5);
  t.equal(durationMs(undefined), undefined);
});

t.test('timestamps: leap days, offsets and years before 1970', async (t) => {
  t.equal(formatTimestamp({ seconds: 951_782_400n, nanos: 0 }), '2000-02-29T00:00:00Z');
  t.equal(formatTimestamp({ seconds: -1n, nanos: 500_000_000 }), '1969-12-31T23:59:59.500Z');
  t.equal(formatTimestamp({ seconds: -62_135_596_800n, nanos: 0 }), '0001-01-01T00:00:00Z');
  t.strictSame(parseTimestamp('2000-02-29T01:00:00+01:00'), { seconds: 951_782_400n, nanos: 0 });
  t.strictSame(parseTimestamp('1969-12-31T23:59:59.5Z'), { seconds: -1n, nanos: 500_000_000 });
  for (const bad of ['2001-02-29T00:00:00Z', '2000-01-01T24:00:00Z', '2000-01-01', '0000-01-01T00:00:00Z'])
    t.equal(parseTimestamp(bad), null, bad);
});

t.test('create fills in defaults', async (t) => {
  const cluster = create(Cluster, { name: 'a' });
  t.equal(cluster.name, 'a');
  t.strictSame(cluster.healthChecks, []);
  t.strictSame(decodeMessage(CLUSTER, encodeMessage(CLUSTER, cluster)), cluster);
});

t.test('Any: packing, unpacking and what is refused', async (t) => {
  const any = packAny(CLUSTER, create(Cluster, { name: 'a' }));
  t.equal(any.typeUrl, 'type.googleapis.com/envoy.config.cluster.v3.Cluster');
  t.equal(unpackAny(any, CLUSTER).name, 'a');
  t.throws(() => unpackAny(any, 'envoy.config.listener.v3.Listener'), {
    code: 'WRONG_TYPE',
    message: 'holds type.googleapis.com/envoy.config.cluster.v3.Cluster where envoy.config.listener.v3.Listener is expected',
  });
  t.throws(() => unpackAny({ ...any, value: Uint8Array.of(0x0a, 0x05, 0x61) }, CLUSTER), {
    code: 'BAD_MESSAGE',
    message: /^not a envoy.config.cluster.v3.Cluster: /,
  });
  t.equal(typeNameOf(typeUrlOf(CLUSTER)), CLUSTER);
  t.equal(isMessageName('constructor'), false);
  t.equal(codecOf('toString'), undefined);
});

t.test('a message nested too deep is an error, not a crash', async (t) => {
  // A list in a list in a list: field 1 of ListValue holds a Value, field 6 of Value a ListValue.
  let bytes: number[] = [];
  const field = (tag: number, inner: number[]): number[] => [tag, (inner.length & 0x7f) | 0x80, inner.length >> 7, ...inner];
  for (let depth = 0; depth < 500; depth += 1) bytes = field(0x0a, field(0x32, bytes));
  t.throws(() => decodeMessage('google.protobuf.ListValue', Uint8Array.from(bytes)), { code: 'BAD_MESSAGE' });
});

t.test('YAML scalars as Envoy takes them', async (t) => {
  const yaml =
    'metadata: {a: 1.5, b: yes, c: 0x10, d: 1e3, e: 010, f: "5", g: ~, h: 12345678901234567890, i: 2026-01-01, j: 08, k: -3, l: [off, null]}\n';
  const { message, errors } = readMessage('envoy.config.core.v3.Node', yaml, { file: 'n', format: 'yaml' });
  t.strictSame(errors, []);
  t.strictSame(message.metadata, {
    ...{ a: '1.5', b: true, c: 16, d: '1e3', e: 8, f: '5', g: null, h: '12345678901234567890', i: '2026-01-01', j: '08', k: -3 },
    l: [false, null],
  });
});

t.test('warnings: duplicate keys, lone values, deprecated fields, more documents', async (t) => {
  const yaml = 'node: {id: a}\nnode: {id: b}\nstatic_resources: {clusters: {name: c, http2_protocol_options: {}}}\n---\nnode: {}\n';
  const { message, errors, warnings } = readMessage(BOOTSTRAP, yaml, { file: 'e.yaml', format: 'yaml' });
  t.strictSame(errors, []);
  t.equal(message.node?.id, 'b');
  t.strictSame(
    warnings.map((problem) => formatProblem(problem)),
    [
      'e.yaml:4:1: more than one document: only the first counts',
      "e.yaml:2:1: node: duplicate key 'node': the last one counts",
      'e.yaml:3:30: static_resources.clusters: expected a list, got an object: taken as a list of one',
      'e.yaml:3:40: static_resources.clusters.http2_protocol_options: deprecated field (message envoy.config.cluster.v3.Cluster) (cluster "c")',
    ],
  );
});

t.test('unknown fields can be a warning', async (t) => {
  const { message, errors, warnings } = readMessage(BOOTSTRAP, '{"nodes": 1, "node": {"id": "a"}}', {
    file: 'e',
    format: 'json',
    unknownFields: 'warn',
  });
  t.strictSame(errors, []);
  t.equal(message.node?.id, 'a');
  t.strictSame(
    warnings.map((problem) => formatProblem(problem)),
    ["e:1:2: nodes: no such field: 'nodes' in message envoy.config.bootstrap.v3.Bootstrap; did you mean 'node'?"],
  );
});

t.test('anchors are followed; loops and bombs are errors', async (t) => {
  const shared = readMessage(BOOTSTRAP, 'node: {metadata: {a: &x {k: v}, b: *x}}\n', { file: 'e', format: 'yaml' });
  t.strictSame(shared.message.node?.metadata, { a: { k: 'v' }, b: { k: 'v' } });
  const loop = readMessage(BOOTSTRAP, 'node: &n {metadata: *n}\n', { file: 'e', format: 'yaml' });
  t.strictSame(
    loop.errors.map((problem) => formatProblem(problem)),
    ['e:1:21: bad YAML: *n stands inside its own anchor'],
  );
  const missing = readMessage(BOOTSTRAP, 'node: *n\n', { file: 'e', format: 'yaml' });
  t.match(formatProblem(missing.errors[0] as never), /^e:1:7: bad YAML: /);
  const levels = Array.from(
    { length: 12 },
    (_, level) =>
      `  l${level}: &l${level} [${Array(10)
        .fill(level === 0 ? 'x' : `*l${level - 1}`)
        .join(', ')}]\n`,
  );
  const bomb = readMessage(BOOTSTRAP, `node:\n metadata:\n${levels.join('')}`, { file: 'e', format: 'yaml' });
  t.strictSame(
    bomb.errors.map(({ text }) => text),
    ['the document has more than 1000000 values; do its aliases name one another?'],
  );
});

t.test('JSON: escapes, byte order mark, depth', async (t) => {
  const read = (text: string): ReturnType<typeof readMessage<'envoy.config.core.v3.Node'>> =>
    readMessage('envoy.config.core.v3.Node', text, { file: 'n', format: 'json' });
  t.equal(read('\ufeff{"id":"\\u0041\\/\\n"}').message.id, 'A/\n');
  t.strictSame(
    read('{"id":"\\x"}').errors.map((problem) => formatProblem(problem)),
    ['n:1:7: invalid JSON: a string with a bad escape'],
  );
  t.strictSame(
    read('{"id":"a\n"}').errors.map((problem) => formatProblem(problem)),
    ['n:1:9: invalid JSON: a string that does not end on its line'],
  );
  t.equal(read('{"id":"a","extensions":[{},],}').message.extensions.length, 1);
  t.strictSame(
    read('{"id":"a"} x').errors.map((problem) => formatProblem(problem)),
    ['n:1:12: invalid JSON: unexpected text after the document'],
  );
  t.match(read(`{"metadata":${'['.repeat(100_000)}`).errors[0]?.text, /nested deeper than 200/);
});

t.test('constraints on a decoded message, as a NACK says them', async (t) => {
  const routes = create(RouteConfiguration, {
    name: 'r',
    virtualHosts: [create(VirtualHost, { name: 'v' }), create(VirtualHost, { domains: ['*'] })],
  });
  t.strictSame(checkConstraints('envoy.config.route.v3.RouteConfiguration', routes), [
    {
      path: 'virtual_hosts[0].domains',
      text: 'Proto constraint validation failed (RouteConfigurationValidationError.VirtualHosts[0]: embedded message failed validation | caused by VirtualHostValidationError.Domains: value must contain at least 1 item(s))',
    },
    {
      path: 'virtual_hosts[1].name',
      text: 'Proto constraint validation failed (RouteConfigurationValidationError.VirtualHosts[1]: embedded message failed validation | caused by VirtualHostValidationError.Name: value length must be at least 1 characters)',
    },
  ]);
  const cluster = create(Cluster, {
    name: 'a',
    connectTimeout: durationOf(0),
    typedExtensionProtocolOptions: new Map([
      ['x', packAny('envoy.extensions.upstreams.http.v3.HttpProtocolOptions', create(HttpProtocolOptions))],
    ]),
  });
  t.strictSame(
    checkConstraints(CLUSTER, cluster).map(({ path }) => path),
    ['connect_timeout', 'typed_extension_protocol_options["x"]'],
  );
  t.strictSame(
    checkConstraints(CLUSTER, cluster, { insideAny: false }).map(({ text }) => text),
    ['Proto constraint validation failed (ClusterValidationError.ConnectTimeout: value must be greater than 0s)'],
  );
});

t.test('every constraint of the table can be checked', async (t) => {
  const texts = (name: 'envoy.config.core.v3.HeaderValue' | 'envoy.config.core.v3.QuicKeepAliveSettings', json: string): string[] =>
    readMessage(name, json, { file: 'x', format: 'json' }).errors.map(({ text }) => text.replace(/^.*: /, ''));
  t.strictSame(texts('envoy.config.core.v3.HeaderValue', '{"key":"a\\nb","value":"x"}'), [
    'value does not match regex pattern "^[^\\u0000\\u000A\\u000D]+$")',
  ]);
  t.strictSame(texts('envoy.config.core.v3.HeaderValue', `{"key":"${'k'.repeat(16_385)}"}`), ['value length must be at most 16384 bytes)']);
});

t.test('an Any of an unknown type is written with its bytes', async (t) => {
  const node = create(Node, { id: 'a' });
  t.strictSame(messageToJson('envoy.config.core.v3.Node', node), { id: 'a' });
  t.strictSame(messageToJson('google.protobuf.Any', { typeUrl: 'type.googleapis.com/nope.X', value: Uint8Array.of(1, 2) }), {
    '@type': 'type.googleapis.com/nope.X',
    value: 'AQI=',
  });
});

t.test('enums by name, unknown ones by number, names of both kinds', async (t) => {
  const cluster = create(Cluster, {
    name: 'a',
    clusterDiscoveryType: { $case: 'type', value: Cluster_DiscoveryType.EDS },
    dnsLookupFamily: 99 as 0,
  });
  t.strictSame(messageToJson(CLUSTER, cluster), { name: 'a', type: 'EDS', dns_lookup_family: 99 });
  t.strictSame(messageToJson(CLUSTER, cluster, { names: 'camel' }), { name: 'a', type: 'EDS', dnsLookupFamily: 99 });
});

t.test('merging: fields win, messages merge, lists append', async (t) => {
  const base = create(Bootstrap, { node: create(Node, { id: 'a', cluster: 'c' }), statsFlushInterval: durationOf(1_000) });
  const over = create(Bootstrap, { node: create(Node, { id: 'b' }), statsFlushInterval: durationOf(500) });
  const merged = mergeMessages(BOOTSTRAP, base, over);
  t.equal(merged.node?.id, 'b');
  t.equal(merged.node?.cluster, 'c');
  t.equal(durationMs(merged.statsFlushInterval), 1_500);
  t.equal(base.node?.id, 'a');
});

t.test('YAML with comments, and with quotes where Envoy needs them', async (t) => {
  const json = { node: { id: 'on', cluster: 'c' }, list: [{ a: '08' }, { a: '127.0.0.1' }], text: 'a: b' };
  const comments = new Map([
    ['', 'Top.\n\nMore.'],
    ['node.id', 'The id.'],
    ['list[1]', 'Second.'],
  ]);
  t.equal(
    jsonToYaml(json, { comments }),
    '# Top.\n#\n# More.\nnode:\n  # The id.\n  id: "on"\n  cluster: c\nlist:\n  - a: "08"\n  # Second.\n  - a: 127.0.0.1\ntext: "a: b"\n',
  );
});
