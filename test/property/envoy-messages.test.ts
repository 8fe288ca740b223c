import assert from 'node:assert/strict';
import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import {
  codecOf,
  decodeMessage,
  encodeMessage,
  jsonToYaml,
  type MessageName,
  mergeMessages,
  messageToJson,
  type ReadResult,
  readMessage,
} from '../../src/envoy/index.ts';
import { drawFrom, drawMessage } from '../support/arbitrary-message.ts';
import { envoyRegistry } from '../support/envoy-registry.ts';

const registry = envoyRegistry();
const { RINGWAY_SEED } = process.env;
const seed = Number(RINGWAY_SEED ?? Date.now() % 1_000_000_007);
t.comment(`seed ${seed} (RINGWAY_SEED repeats it)`);

const NAMES: readonly MessageName[] = [
  'envoy.config.bootstrap.v3.Bootstrap',
  'envoy.config.listener.v3.Listener',
  'envoy.config.cluster.v3.Cluster',
  'envoy.config.route.v3.RouteConfiguration',
  'envoy.config.endpoint.v3.ClusterLoadAssignment',
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
  'envoy.service.discovery.v3.DeltaDiscoveryResponse',
  'envoy.admin.v3.ServerInfo',
  'xds.type.matcher.v3.Matcher',
  'google.protobuf.Struct',
];

const someMessage = fc.record({ name: fc.constantFrom(...NAMES), seed: fc.integer() });

function description(name: string): NonNullable<ReturnType<typeof registry.getMessage>> {
  const found = registry.getMessage(name);
  if (!found) throw new Error(`no ${name}`);
  return found;
}

t.test('a message value written as JSON is what protobuf-es writes for its bytes', async (t) => {
  check(t, ({ name, seed: from }) => {
    const bytes = codecOf(name)?.encode(messageOf(name, from)).finish() as Uint8Array;
    const theirs = toJson(description(name), fromBinary(description(name), bytes), { registry, useProtoFieldName: true });
    const ours = messageToJson(name, codecOf(name)?.decode(bytes));
    assert.deepEqual(sorted(ours as JsonValue), sorted(theirs), name);
  });
});

t.test('JSON that protobuf-es writes, in either spelling, is read as the same message', async (t) => {
  check(t, ({ name, seed: from }) => {
    if (name === 'google.protobuf.Struct') return;
    const bytes = encodeMessage(name, messageOf(name, from) as never);
    const message = fromBinary(description(name), bytes);
    for (const useProtoFieldName of [true, false]) {
      const text = JSON.stringify(toJson(description(name), message, { registry, useProtoFieldName }));
      const read: ReadResult<unknown> = readMessage(name, text, { file: 'x.json', format: 'json', constraints: false });
      assert.deepEqual(read.errors, []);
      assert.deepEqual(
        toJson(description(name), fromBinary(description(name), encodeMessage(name, read.message as never)), { registry }),
        toJson(description(name), message, { registry }),
        name,
      );
    }
  });
});

t.test('YAML that we write is read as the same message', async (t) => {
  check(t, ({ name, seed: from }) => {
    if (name === 'google.protobuf.Struct') return;
    const message = decodeMessage(name, encodeMessage(name, messageOf(name, from) as never));
    const yaml = jsonToYaml(messageToJson(name, message));
    const read = readMessage(name, yaml, { file: 'x.yaml', format: 'yaml', constraints: false });
    assert.deepEqual(read.errors, [], yaml);
    assert.deepEqual(messageToJson(name, read.message), messageToJson(name, message), yaml);
  });
});

t.test('what protobuf-es refuses as JSON we refuse, and the other way round', async (t) => {
  let refused = 0;
  check(t, ({ name, seed: from }) => {
    if (name === 'google.protobuf.Struct') return;
    const draw = drawFrom(from);
    const json = messageToJson(name, drawMessage(name, draw)) as JsonValue;
    const broken = mutate(json, draw);
    const theirs = accepts(() => fromJson(description(name), broken, { registry }));
    const ours = readMessage(name, JSON.stringify(broken), { file: 'x.json', format: 'json', constraints: false });
    const lenient = ours.warnings.some(({ text }) => text.includes('list of one'));
    if (!theirs) refused += 1;
    // ProtoJSON takes exponents in quotes for every integer; protobuf-es does not for those of 64 bits
    const isExponent = ours.errors.length === 0 && /"\d+e\d+"/.test(JSON.stringify(broken));
    if (!lenient && !isExponent)
      assert.equal(ours.errors.length === 0, theirs, `${JSON.stringify(broken)}\n${ours.errors.map((error) => error.text).join('\n')}`);
  });
  t.ok(refused > 20, `${refused} were refused`);
});

t.test('merging values is what protobuf does when their bytes are joined', async (t) => {
  check(t, ({ name, seed: from }) => {
    if (name === 'google.protobuf.Struct') return;
    const [a, b] = [messageOf(name, from), messageOf(name, from ^ 0x5bd1e995)];
    const joined = Buffer.concat([encodeMessage(name, a as never), encodeMessage(name, b as never)]);
    const ours = encodeMessage(name, mergeMessages(name, a as never, b as never));
    assert.deepEqual(canonical(name, ours), canonical(name, joined), name);
  });
});

/** The bytes that protobuf-es writes for the message it reads from bytes: fields that came twice are merged. */
function canonical(name: string, bytes: Uint8Array): string {
  return Buffer.from(toBinary(description(name), fromBinary(description(name), bytes))).toString('hex');
}

function check(t: Test, property: (example: { name: MessageName; seed: number }) => void): void {
  fc.assert(fc.property(someMessage, property), { seed, numRuns: 150 });
  t.pass(`seed ${seed}`);
}

function messageOf(name: string, from: number): unknown {
  if (name === 'google.protobuf.Struct')
    return {
      fields: new Map([
        ['a', 'on'],
        ['b', [null, { c: 1 }]],
      ] as [string, unknown][]),
    };
  return drawMessage(name, drawFrom(from));
}

function accepts(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch {
    return false;
  }
}

/** The same JSON with keys in order: neither side promises one. Numbers of float are compared as floats. */
function sorted(value: JsonValue): JsonValue {
  if (typeof value === 'number') return Math.fround(value);
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const pairs = Object.entries(value).map(([key, inner]) => [key, sorted(inner)] as const);
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const ODD: readonly JsonValue[] = [
  '',
  'x',
  '1',
  '-1',
  '1s',
  1,
  -1,
  1.5,
  1e20,
  true,
  false,
  null,
  [],
  {},
  [[]],
  { a: 1 },
  '5000000000',
  '1e1',
];

/** The same JSON with one value, anywhere, replaced by one that is often wrong there, or a key added. */
function mutate(json: JsonValue, draw: () => number): JsonValue {
  if (typeof json !== 'object' || json === null || draw() < 0.15) return ODD[Math.floor(draw() * ODD.length)] as JsonValue;
  if (Array.isArray(json)) {
    if (json.length === 0) return json;
    const index = Math.floor(draw() * json.length);
    return json.map((item, at) => (at === index ? mutate(item, draw) : item));
  }
  const keys = Object.keys(json).filter((key) => key !== '@type');
  if (keys.length === 0 || draw() < 0.05) return { ...json, no_such_field: 1 };
  const key = keys[Math.floor(draw() * keys.length)] as string;
  return { ...json, [key]: mutate(json[key] as JsonValue, draw) };
}
