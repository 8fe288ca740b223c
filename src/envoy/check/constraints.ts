// protoc-gen-validate over a whole message value.

import type { Any } from '../../gen/google/protobuf/any.ts';
import type { FieldSchema, MessageSchema, RuleSet, Rules } from '../../protobuf/index.ts';
import { codecOf, typeNameOf } from '../codec.ts';
import { joinPath } from '../path.ts';
import { hasOwnForm } from '../read/well-known.ts';
import { knownMessage, messageSchema } from '../schema.ts';
import { brokenRule } from './rules.ts';

/** One broken constraint. */
export interface Violation {
  /** `static_resources.clusters[0].name`. */
  readonly path: string;
  /** As Envoy says it: `Proto constraint validation failed (…)`, the way down from the root message included. */
  readonly text: string;
}

/** Why, without the way. */
interface Broken {
  readonly path: string;
  /** From the field itself up to the root: `ClusterValidationError.Name`. */
  readonly way: readonly string[];
  readonly reason: string;
}

/** How to check. */
export interface ConstraintOptions {
  /** Also what is packed in Any of known types, as Envoy does when it builds the extension; true unless given. */
  readonly insideAny?: boolean;
}

/** Every constraint that `message`, of the type with full name `name`, breaks. Throws for a name that is not known. */
export function checkConstraints(name: string, message: unknown, options: ConstraintOptions = {}): Violation[] {
  const found: Broken[] = [];
  const walk: Walk = { insideAny: options.insideAny ?? true, found };
  checkMessage(walk, knownMessage(name), message as Record<string, unknown>, '', []);
  return found.map(({ path, way, reason }) => ({ path, text: `Proto constraint validation failed (${chain(way, reason)})` }));
}

interface Walk {
  readonly insideAny: boolean;
  readonly found: Broken[];
}

/** Where a value is: its path, and the steps of the error chain, innermost last. */
type Way = readonly string[];

function checkMessage(walk: Walk, schema: MessageSchema, message: Record<string, unknown>, path: string, way: Way): void {
  for (const field of schema.fields) {
    const held = field.oneof ? (message[field.oneof.property] as { $case: string; value: unknown } | undefined) : undefined;
    if (field.oneof && held?.$case !== field.property) continue;
    const value = field.oneof ? held?.value : message[field.property];
    checkField(walk, field, value, joinPath(path, field.name), [...way, step(schema, field)]);
  }
  for (const oneof of schema.oneofs) {
    if (!oneof.isRequired || message[oneof.property] !== undefined) continue;
    walk.found.push({ path, way: [...way, ''], reason: `field: "${oneof.name}", reason: is required` });
  }
}

function checkField(walk: Walk, field: FieldSchema, value: unknown, path: string, way: Way): void {
  const [kind, rules] = ruleOf(field.rules);
  const { message: ofMessage } = field.rules ?? {};
  const isRequired = rules?.required === true || ofMessage?.required === true;
  if (value === undefined) {
    if (isRequired) walk.found.push({ path, way, reason: 'value is required' });
    return;
  }
  if (kind !== undefined && rules && kind !== 'any') {
    const reason = brokenRule(kind, rules, value, field.type);
    if (reason !== undefined) walk.found.push({ path, way, reason });
  }
  if (field.shape.kind === 'list') {
    for (const [index, item] of (value as readonly unknown[]).entries()) {
      checkItem(walk, field, rules?.items, item, `${path}[${index}]`, indexed(way, index));
    }
  } else if (field.shape.kind === 'map') {
    for (const [key, item] of value as ReadonlyMap<unknown, unknown>) {
      const [at, step] = [`${path}["${String(key)}"]`, indexed(way, String(key))];
      checkRules(walk, field, rules?.keys, key, at, step);
      checkItem(walk, field, rules?.values, item, at, step);
    }
  } else {
    checkInside(walk, field, value, path, way);
  }
}

function checkItem(walk: Walk, field: FieldSchema, rules: RuleSet | undefined, item: unknown, path: string, way: Way): void {
  checkRules(walk, field, rules, item, path, way);
  checkInside(walk, field, item, path, way);
}

function checkRules(walk: Walk, field: FieldSchema, rules: RuleSet | undefined, value: unknown, path: string, way: Way): void {
  const [kind, own] = ruleOf(rules);
  if (kind === undefined || !own) return;
  const reason = brokenRule(kind, own, value, field.type);
  if (reason !== undefined) walk.found.push({ path, way, reason });
}

function checkInside(walk: Walk, { type }: FieldSchema, value: unknown, path: string, way: Way): void {
  if (type.kind !== 'message') return;
  if (type.name === 'google.protobuf.Any') checkAny(walk, value as Any, path);
  else if (!hasOwnForm(type.name)) checkMessage(walk, knownMessage(type.name), value as Record<string, unknown>, path, way);
}

/** Envoy checks it when it builds the extension: the chain starts afresh. Bytes that are no message are for the one who unpacks to refuse. */
function checkAny(walk: Walk, any: Any, path: string): void {
  if (!walk.insideAny || any.typeUrl === '') return;
  const name = typeNameOf(any.typeUrl);
  const [schema, codec] = [messageSchema(name), codecOf(name)];
  if (!schema || !codec || hasOwnForm(name)) return;
  let message: unknown;
  try {
    message = codec.decode(any.value);
  } catch {
    return;
  }
  checkMessage(walk, schema, message as Record<string, unknown>, path, []);
}

/** The one rule set besides `message`: its kind and its rules. */
function ruleOf(rules: RuleSet | undefined): readonly [kind: string | undefined, rules: Rules | undefined] {
  for (const [kind, own] of Object.entries(rules ?? {})) if (kind !== 'message') return [kind, own];
  return [undefined, undefined];
}

function step(schema: MessageSchema, field: FieldSchema): string {
  const title = field.property.replace(/^./, (letter) => letter.toUpperCase());
  return `${schema.name.slice(schema.name.lastIndexOf('.') + 1)}ValidationError.${title}`;
}

function indexed(way: Way, index: number | string): Way {
  return [...way.slice(0, -1), `${way.at(-1)}[${index}]`];
}

/** `AValidationError.B: embedded message failed validation | caused by BValidationError.C: value is required`. */
function chain(way: Way, reason: string): string {
  const steps = way.map((name, index) => {
    const text = index === way.length - 1 ? reason : 'embedded message failed validation';
    return name === '' ? text : `${name}: ${text}`;
  });
  return steps.join(' | caused by ');
}
