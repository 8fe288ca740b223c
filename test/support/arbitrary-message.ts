import { codecOf, create, durationOf, type MessageName, packAny } from '../../src/envoy/index.ts';
import { enumSchema, knownMessage } from '../../src/envoy/schema.ts';
import type { FieldSchema, FieldType, ScalarType } from '../../src/protobuf/index.ts';

/** What values are drawn from: numbers in 0 ≤ x < 1. */
export type Draw = () => number;

/** A small generator of numbers that is the same for the same seed. */
export function drawFrom(seed: number): Draw {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const STRINGS = [
  '',
  'a',
  'yes',
  '08',
  '1.5',
  '~',
  'x: y',
  '# no',
  'two\nlines',
  ' lead',
  'ünïcödé 🌀',
  '"quoted"',
  "it's",
  'null',
  '-',
  '__proto__',
];
const WRAPPERS = /^google\.protobuf\.(Double|Float|Int64|UInt64|Int32|UInt32|Bool|String|Bytes)Value$/;
const PACKED: readonly MessageName[] = [
  'envoy.config.cluster.v3.Cluster',
  'envoy.type.v3.Percent',
  'google.protobuf.Duration',
  'google.protobuf.StringValue',
  'google.protobuf.Struct',
];

/** Any value of the message `name`: each field set now and then, nested a few deep. Not one that keeps its constraints. */
export function drawMessage(name: string, draw: Draw, depth = 0): unknown {
  const codec = codecOf(name);
  if (!codec) throw new Error(`no codec of ${name}`);
  const message = create(codec) as Record<string, unknown>;
  for (const field of knownMessage(name).fields) {
    if (draw() > (depth === 0 ? 0.5 : 0.25) || (depth > 3 && field.type.kind === 'message')) continue;
    const value = drawField(field, draw, depth);
    if (field.oneof) message[field.oneof.property] = { $case: field.property, value };
    else message[field.property] = value;
  }
  return message;
}

function drawField(field: FieldSchema, draw: Draw, depth: number): unknown {
  const { shape } = field;
  if (shape.kind === 'single') return drawSingle(field.type, draw, depth);
  const count = Math.floor(draw() * 3);
  if (shape.kind === 'list') return Array.from({ length: count }, () => drawSingle(field.type, draw, depth));
  return new Map(Array.from({ length: count }, () => [drawScalar(shape.key, draw), drawSingle(field.type, draw, depth)]));
}

function drawSingle(type: FieldType, draw: Draw, depth: number): unknown {
  if (type.kind === 'scalar') return drawScalar(type.scalar, draw);
  if (type.kind === 'enum') return pick([...enumSchema(type.name).numbers.values()], draw);
  const wrapper = WRAPPERS.exec(type.name)?.[1];
  if (wrapper !== undefined) return drawScalar(wrapper.toLowerCase() as ScalarType, draw);
  switch (type.name) {
    case 'google.protobuf.Duration':
      return durationOf(Math.floor((draw() - 0.3) * 1e7) / 4);
    case 'google.protobuf.Timestamp':
      return { seconds: BigInt(Math.floor((draw() - 0.4) * 1e11)), nanos: Math.floor(draw() * 1e3) * pick([0, 1, 1e3, 1e6], draw) };
    case 'google.protobuf.Any':
      return drawAny(draw, depth);
    case 'google.protobuf.Value':
      return drawPlain(draw, depth);
    case 'google.protobuf.ListValue':
      return [drawPlain(draw, depth), drawPlain(draw, depth)];
    case 'google.protobuf.Struct':
      return { a: drawPlain(draw, depth), [pick(['b', 'on', '1'], draw)]: drawPlain(draw, depth) };
    default:
      return drawMessage(type.name, draw, depth + 1);
  }
}

function drawAny(draw: Draw, depth: number): unknown {
  const name = pick(PACKED, draw);
  if (name === 'google.protobuf.StringValue') return packAny(name, { value: pick(STRINGS, draw) });
  if (name === 'google.protobuf.Struct') return packAny(name, { fields: new Map([['a', pick(STRINGS, draw)]]) });
  if (name === 'google.protobuf.Duration') return packAny(name, durationOf(250));
  return packAny(name, drawMessage(name, draw, depth + 2) as never);
}

function drawPlain(draw: Draw, depth: number): unknown {
  const kind = draw() * (depth > 3 ? 4 : 6);
  if (kind < 1) return null;
  if (kind < 2) return draw() < 0.5;
  if (kind < 3) return pick([0, -1, 10, 2 ** 40], draw);
  if (kind < 4) return pick(STRINGS, draw);
  if (kind < 5) return [drawPlain(draw, depth + 1), drawPlain(draw, depth + 1)];
  return { k: drawPlain(draw, depth + 1), yes: drawPlain(draw, depth + 1) };
}

function drawScalar(type: ScalarType, draw: Draw): unknown {
  switch (type) {
    case 'string':
      return pick(STRINGS, draw);
    case 'bool':
      return draw() < 0.5;
    case 'bytes':
      return new Uint8Array(Array.from({ length: Math.floor(draw() * 5) }, () => Math.floor(draw() * 256)));
    case 'double':
      return pick([0, 0.1, -2.5, 1e300, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], draw);
    case 'float':
      return pick([0, 0.5, -2.5, 1e30, Number.NaN, Number.POSITIVE_INFINITY], draw);
    case 'uint64':
    case 'fixed64':
      return pick([0n, 1n, 2n ** 53n + 1n, 2n ** 64n - 1n], draw);
    case 'int64':
    case 'sint64':
    case 'sfixed64':
      return pick([0n, -1n, 2n ** 53n + 1n, -(2n ** 63n)], draw);
    case 'uint32':
    case 'fixed32':
      return pick([0, 1, 100, 2 ** 32 - 1], draw);
    default:
      return pick([0, 1, -1, 2 ** 31 - 1, -(2 ** 31)], draw);
  }
}

function pick<T>(values: readonly T[], draw: Draw): T {
  return values[Math.floor(draw() * values.length)] as T;
}
