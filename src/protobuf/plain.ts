// google.protobuf.Struct, Value and ListValue are held as plain JSON; on the wire they are messages.

/** A Struct as the wire has it. */
interface StructMessage {
  readonly fields: ReadonlyMap<string, unknown>;
}

/** A Value as the wire has it. */
interface ValueMessage {
  readonly kind: { readonly $case: string; readonly value: unknown } | undefined;
}

/** A ListValue as the wire has it. */
interface ListMessage {
  readonly values: readonly unknown[];
}

/** The message of a plain object. */
function wrapStruct(object: Readonly<Record<string, unknown>>): StructMessage {
  return { fields: new Map(Object.entries(object)) };
}

/** The message of a plain value; undefined is one without a kind. Throws for what JSON has not. */
function wrapValue(value: unknown): ValueMessage {
  if (value === undefined) return { kind: undefined };
  if (value === null) return { kind: { $case: 'nullValue', value: 0 } };
  if (Array.isArray(value)) return { kind: { $case: 'listValue', value } };
  const name = KINDS[typeof value];
  if (name === undefined) throw new Error(`not a value of JSON: ${typeof value}`);
  return { kind: { $case: name, value } };
}

/** The message of a list of plain values. */
function wrapList(values: readonly unknown[]): ListMessage {
  return { values };
}

const KINDS: Readonly<Record<string, string>> = {
  boolean: 'boolValue',
  number: 'numberValue',
  string: 'stringValue',
  object: 'structValue',
};

/** How a message that is held plainly gets onto the wire and back; undefined for every other message. */
export function plainForm(name: string): PlainForm | undefined {
  return Object.hasOwn(FORMS, name) ? FORMS[name] : undefined;
}

/** A message that is held as something plainer. */
export interface PlainForm {
  wrap(plain: unknown): unknown;
  unwrap(message: unknown): unknown;
}

const scalar: PlainForm = { wrap: (value) => ({ value }), unwrap: (message) => (message as { readonly value: unknown }).value };

const FORMS: Readonly<Record<string, PlainForm>> = {
  'google.protobuf.Struct': {
    wrap: (plain) => wrapStruct(plain as Record<string, unknown>),
    // not by assignment: a field may be called __proto__
    unwrap: (message) => Object.fromEntries((message as StructMessage).fields),
  },
  'google.protobuf.Value': {
    wrap: wrapValue,
    unwrap: (message) => unwrapValue(message as ValueMessage),
  },
  'google.protobuf.ListValue': {
    wrap: (plain) => wrapList(plain as readonly unknown[]),
    unwrap: (message) => (message as ListMessage).values,
  },
  'google.protobuf.DoubleValue': scalar,
  'google.protobuf.FloatValue': scalar,
  'google.protobuf.Int64Value': scalar,
  'google.protobuf.UInt64Value': scalar,
  'google.protobuf.Int32Value': scalar,
  'google.protobuf.UInt32Value': scalar,
  'google.protobuf.BoolValue': scalar,
  'google.protobuf.StringValue': scalar,
  'google.protobuf.BytesValue': scalar,
};

function unwrapValue({ kind }: ValueMessage): unknown {
  return kind?.$case === 'nullValue' ? null : kind?.value;
}
