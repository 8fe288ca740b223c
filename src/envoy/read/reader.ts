// Message values out of source nodes, driven by the schema table. Finds every error, not only the first.

import { type FieldSchema, type FieldType, type MessageSchema, plainForm } from '../../protobuf/index.ts';
import { codecOf, create, typeNameOf } from '../codec.ts';
import { joinPath } from '../path.ts';
import { enumSchema, knownMessage, messageSchema } from '../schema.ts';
import { describeNode, type SourceEntry, type SourceMap, type SourceNode } from '../source/node.ts';
import type { Report } from './report.ts';
import { resourceIn } from './resource.ts';
import { readKey, readScalar } from './scalar.ts';
import { similar } from './similar.ts';
import { hasOwnForm, isPlainValue, readDuration, readTimestamp, wrappedScalar } from './well-known.ts';

/** A value of the type that generated code declares; undefined where it was refused (and reported). */
type Read = unknown;

/** Reads message values; one reader a document. */
export class Reader {
  readonly #report: Report;
  readonly #allowsUnknownFields: boolean;

  constructor(report: Report, options: { readonly allowsUnknownFields: boolean }) {
    this.#report = report;
    this.#allowsUnknownFields = options.allowsUnknownFields;
  }

  /** A message of any type but those with a JSON form of their own. */
  message(schema: MessageSchema, node: SourceNode, path: string): Record<string, Read> | undefined {
    if (node.kind !== 'map') {
      this.#report.error(path, node.at, `expected an object (message ${schema.name}), got ${describeNode(node)}`);
      return undefined;
    }
    return this.#report.within(resourceIn(schema.name, node), () => {
      this.#report.enter(path, node.at);
      return this.#fields(schema, node, path);
    });
  }

  #fields(schema: MessageSchema, node: SourceMap, path: string): Record<string, Read> {
    const message = create(messageCodec(schema.name)) as Record<string, Read>;
    const given = new Map<string, { field: FieldSchema; entry: SourceEntry }>();
    for (const entry of node.entries) {
      const field = schema.fieldOf(entry.key);
      if (!field) this.#unknown(schema, entry, path);
      else this.#note(given, field, entry, path);
    }
    const chosen = new Map<string, string>();
    for (const { field, entry } of given.values()) {
      if (entry.value.kind === 'scalar' && entry.value.value === null && !isPlainValue(field.type)) continue;
      const at = joinPath(path, field.name);
      if (field.isDeprecated) this.#report.warning(at, entry.keyAt, `deprecated field (message ${schema.name})`);
      if (field.oneof) {
        const other = chosen.get(field.oneof.name);
        if (other !== undefined) {
          this.#report.error(
            at,
            entry.keyAt,
            `'${other}' is set already: only one field of the oneof '${field.oneof.name}' may be (message ${schema.name})`,
          );
          continue;
        }
        chosen.set(field.oneof.name, field.name);
      }
      const value = this.#field(field, entry.value, at);
      if (value === undefined) continue;
      if (field.oneof) message[field.oneof.property] = { $case: field.property, value };
      else message[field.property] = value;
    }
    return message;
  }

  #note(given: Map<string, { field: FieldSchema; entry: SourceEntry }>, field: FieldSchema, entry: SourceEntry, path: string): void {
    if (given.has(field.name))
      this.#report.warning(joinPath(path, field.name), entry.keyAt, `duplicate key '${entry.key}': the last one counts`);
    given.set(field.name, { field, entry });
  }

  #unknown(schema: MessageSchema, { key, keyAt }: SourceEntry, path: string): void {
    const near = similar(
      key,
      schema.fields.map((field) => field.name),
    );
    const hint = near === undefined ? '' : `; did you mean '${near}'?`;
    const text = `no such field: '${key}' in message ${schema.name}${hint}`;
    if (this.#allowsUnknownFields) this.#report.warning(joinPath(path, key), keyAt, text);
    else this.#report.error(joinPath(path, key), keyAt, text);
  }

  #field(field: FieldSchema, node: SourceNode, path: string): Read {
    if (!this.#report.enter(path, node.at)) return undefined;
    if (field.shape.kind === 'list') return this.#list(field, node, path);
    if (field.shape.kind === 'map') return this.#map(field, field.shape.key, node, path);
    return this.#single(field.type, node, path);
  }

  /** A lone value counts as a list of one, as in Envoy. */
  #list(field: FieldSchema, node: SourceNode, path: string): Read {
    if (node.kind !== 'list') {
      this.#report.warning(path, node.at, `expected a list, got ${describeNode(node)}: taken as a list of one`);
      const value = this.#single(field.type, node, path);
      return value === undefined ? undefined : [value];
    }
    const values: Read[] = [];
    for (const [index, item] of node.items.entries()) {
      const at = `${path}[${index}]`;
      if (!this.#report.enter(at, item.at)) return undefined;
      const isNull = item.kind === 'scalar' && item.value === null && !isPlainValue(field.type);
      if (isNull) this.#report.error(at, item.at, 'a list must not hold null');
      const value = isNull ? undefined : this.#single(field.type, item, at);
      if (value === undefined) this.#report.tainted.push(path);
      else values.push(value);
    }
    return values;
  }

  #map(field: FieldSchema, keyType: Parameters<typeof readKey>[0], node: SourceNode, path: string): Read {
    if (node.kind !== 'map') {
      this.#report.error(path, node.at, `expected an object (keys and values), got ${describeNode(node)}`);
      return undefined;
    }
    const values = new Map<unknown, Read>();
    for (const entry of node.entries) {
      const at = `${path}["${entry.key}"]`;
      if (!this.#report.enter(at, entry.value.at)) return undefined;
      const key = readKey(keyType, entry.key);
      if ('error' in key) {
        this.#report.error(at, entry.keyAt, key.error);
        continue;
      }
      if (values.has(key.value)) this.#report.warning(at, entry.keyAt, `duplicate key '${entry.key}': the last one counts`);
      const value = this.#single(field.type, entry.value, at);
      if (value !== undefined) values.set(key.value, value);
    }
    return values;
  }

  #single(type: FieldType, node: SourceNode, path: string): Read {
    if (type.kind === 'scalar') return this.#take(readScalar(type.scalar, node), node, path);
    if (type.kind === 'enum') return this.#enum(type.name, node, path);
    const scalar = wrappedScalar(type.name);
    if (scalar !== undefined) return this.#take(readScalar(scalar, node), node, path);
    switch (type.name) {
      case 'google.protobuf.Duration':
        return this.#take(readDuration(node), node, path);
      case 'google.protobuf.Timestamp':
        return this.#take(readTimestamp(node), node, path);
      case 'google.protobuf.Any':
        return this.#any(node, path);
      case 'google.protobuf.Value':
        return this.#plain(node, path);
      case 'google.protobuf.Struct':
        if (node.kind === 'map') return this.#plain(node, path);
        return this.#take({ error: `expected an object, got ${describeNode(node)}` }, node, path);
      case 'google.protobuf.ListValue':
        if (node.kind === 'list') return this.#plain(node, path);
        return this.#take({ error: `expected a list, got ${describeNode(node)}` }, node, path);
      default:
        return this.message(knownMessage(type.name), node, path);
    }
  }

  #take(result: { readonly value: unknown } | { readonly error: string }, node: SourceNode, path: string): Read {
    if ('value' in result) return result.value;
    this.#report.error(path, node.at, result.error);
    return undefined;
  }

  #enum(name: string, node: SourceNode, path: string): Read {
    const schema = enumSchema(name);
    if (node.kind === 'scalar' && typeof node.value === 'number' && (node.value | 0) === node.value) return node.value;
    if (node.kind === 'scalar' && typeof node.value === 'string') {
      const number = schema.numbers.get(node.value);
      if (number !== undefined) return number;
    }
    const got = node.kind === 'scalar' ? `'${node.text}'` : describeNode(node);
    this.#report.error(path, node.at, `unknown enum value: ${got} for ${name}; allowed: ${[...schema.numbers.keys()].join(', ')}`);
    return undefined;
  }

  /** google.protobuf.Value and what it is made of: plain JSON. */
  #plain(node: SourceNode, path: string): Read {
    if (!this.#report.spend(path, node.at)) return null;
    if (node.kind === 'scalar') return node.value;
    if (node.kind === 'list') return node.items.map((item) => this.#plain(item, path));
    return Object.fromEntries(node.entries.map(({ key, value }) => [key, this.#plain(value, path)]));
  }

  #any(node: SourceNode, path: string): Read {
    const type = node.kind === 'map' ? node.entries.findLast((entry) => entry.key === '@type') : undefined;
    const typeUrl = type?.value.kind === 'scalar' && typeof type.value.value === 'string' ? type.value.value : undefined;
    if (node.kind !== 'map' || typeUrl === undefined) {
      if (node.kind === 'map' && node.entries.length === 0) return { typeUrl: '', value: new Uint8Array() };
      const what = node.kind === 'map' ? "an object without '@type'" : describeNode(node);
      this.#report.error(path, node.at, `expected an object with '@type' (message google.protobuf.Any), got ${what}`);
      return undefined;
    }
    const name = typeNameOf(typeUrl);
    const schema = typeUrl.includes('/') ? messageSchema(name) : undefined;
    const codec = codecOf(name);
    if (!schema || !codec) {
      this.#report.error(path, type?.value.at ?? node.at, `could not find @type '${typeUrl}'`);
      return undefined;
    }
    const fields: SourceMap = { ...node, entries: node.entries.filter(({ key }) => key !== '@type') };
    const value = hasOwnForm(name) ? this.#ownForm(name, fields, path) : this.message(schema, fields, path);
    return value === undefined ? undefined : { typeUrl, value: codec.encode(value).finish() };
  }

  /** In an Any, a message with a JSON form of its own stands under `value`; here it is turned into the message itself. */
  #ownForm(name: string, node: SourceMap, path: string): Read {
    const entry = node.entries.findLast(({ key }) => key === 'value');
    if (!entry) {
      this.#report.error(path, node.at, `expected 'value' beside '@type' (message ${name})`);
      return undefined;
    }
    const isWrapper = wrappedScalar(name) !== undefined;
    // as everywhere in protobuf's JSON, null is what a field holds that is not set
    if (isWrapper && entry.value.kind === 'scalar' && entry.value.value === null) return create(messageCodec(name)) as Record<string, Read>;
    const value = this.#single({ kind: 'message', name }, entry.value, joinPath(path, 'value'));
    if (value === undefined) return undefined;
    const plain = plainForm(name);
    return plain ? plain.wrap(value) : value;
  }
}

function messageCodec(name: string): NonNullable<ReturnType<typeof codecOf>> {
  const codec = codecOf(name);
  if (!codec) throw new Error(`no codec of ${name}`);
  return codec;
}
