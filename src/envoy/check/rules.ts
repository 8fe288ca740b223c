// protoc-gen-validate rules on one value. Each check returns the reason in protoc-gen-validate's words, or undefined.

import type { Duration } from '../../gen/google/protobuf/duration.ts';
import type { FieldType, Rules } from '../../protobuf/index.ts';
import { durationNanos, parseDuration } from '../duration.ts';
import { enumSchema } from '../schema.ts';
import { matchesPattern, wellKnownPattern } from './patterns.ts';

/** Why `value` breaks `rules`, undefined when it does not. `rules` are those of one kind: the object under `string`, `uint32`, … */
export function brokenRule(kind: string, rules: Rules, value: unknown, type: FieldType): string | undefined {
  switch (kind) {
    case 'string':
      return brokenString(rules, value as string);
    case 'bytes':
      return brokenBytes(rules, value as Uint8Array);
    case 'bool':
      return rules.const !== undefined && rules.const !== value ? `value must equal ${String(rules.const)}` : undefined;
    case 'enum':
      return brokenEnum(rules, value as number, type);
    case 'duration':
      return brokenRange(rules, durationNanos(value as Duration), nanosOf, (bound) => String(bound));
    case 'repeated':
      return (
        brokenCount(rules.min_items, rules.max_items, (value as readonly unknown[]).length, 'item') ??
        brokenUnique(rules, value as readonly unknown[])
      );
    case 'map':
      return brokenCount(rules.min_pairs, rules.max_pairs, (value as ReadonlyMap<unknown, unknown>).size, 'pair');
    default:
      return typeof value === 'bigint'
        ? brokenRange(rules, value, (bound) => BigInt(bound as string), String)
        : brokenRange(rules, value as number, Number, String);
  }
}

function brokenString(rules: Rules, value: string): string | undefined {
  const characters = [...value].length;
  const bytes = Buffer.byteLength(value);
  if (value === '' && rules.ignore_empty === true) return undefined;
  if (characters < (rules.min_len ?? 0)) return `value length must be at least ${rules.min_len} characters`;
  if (characters > (rules.max_len ?? Infinity)) return `value length must be at most ${rules.max_len} characters`;
  if (bytes < (rules.min_bytes ?? 0)) return `value length must be at least ${rules.min_bytes} bytes`;
  if (bytes > (rules.max_bytes ?? Infinity)) return `value length must be at most ${rules.max_bytes} bytes`;
  if (rules.const !== undefined && value !== rules.const) return `value must equal ${String(rules.const)}`;
  if (typeof rules.prefix === 'string' && !value.startsWith(rules.prefix)) return `value does not have prefix ${rules.prefix}`;
  if (typeof rules.suffix === 'string' && !value.endsWith(rules.suffix)) return `value does not have suffix ${rules.suffix}`;
  const listed = brokenList(rules, value);
  if (listed !== undefined) return listed;
  const pattern = typeof rules.pattern === 'string' ? rules.pattern : wellKnownPattern(rules);
  return pattern !== undefined && !matchesPattern(pattern, value) ? `value does not match regex pattern "${pattern}"` : undefined;
}

function brokenBytes(rules: Rules, value: Uint8Array): string | undefined {
  if (value.length < (rules.min_len ?? 0)) return `value length must be at least ${rules.min_len} bytes`;
  if (value.length > (rules.max_len ?? Infinity)) return `value length must be at most ${rules.max_len} bytes`;
  return undefined;
}

function brokenEnum(rules: Rules, value: number, type: FieldType): string | undefined {
  if (rules.defined_only === true && type.kind === 'enum' && !enumSchema(type.name).names.has(value)) {
    return 'value must be one of the defined enum values';
  }
  if (rules.const !== undefined && value !== rules.const) return `value must equal ${String(rules.const)}`;
  return brokenList(rules, value);
}

function brokenList(rules: Rules, value: unknown): string | undefined {
  const [allowed, refused] = [rules.in, rules.not_in];
  if (Array.isArray(allowed) && !allowed.includes(value)) return `value must be in list [${allowed.join(' ')}]`;
  if (Array.isArray(refused) && refused.includes(value)) return `value must not be in list [${refused.join(' ')}]`;
  return undefined;
}

function brokenRange<T extends number | bigint>(
  rules: Rules,
  value: T,
  parse: (bound: unknown) => T,
  show: (bound: unknown) => string,
): string | undefined {
  const bound = (value: unknown): T | undefined => (value === undefined ? undefined : parse(value));
  const [gt, gte, lt, lte, exact] = [bound(rules.gt), bound(rules.gte), bound(rules.lt), bound(rules.lte), bound(rules.const)];
  if (exact !== undefined && value !== exact) return `value must equal ${show(rules.const)}`;
  const isHigh = (lt !== undefined && value >= lt) || (lte !== undefined && value > lte);
  const isLow = (gt !== undefined && value <= gt) || (gte !== undefined && value < gte);
  // NaN is outside of every range.
  if (!isHigh && !isLow && !Number.isNaN(value)) return undefined;
  const low = gt === undefined ? (gte === undefined ? undefined : `[${show(rules.gte)}`) : `(${show(rules.gt)}`;
  const high = lt === undefined ? (lte === undefined ? undefined : `${show(rules.lte)}]`) : `${show(rules.lt)})`;
  if (low !== undefined && high !== undefined) return `value must be inside range ${low}, ${high}`;
  if (gt !== undefined) return `value must be greater than ${show(rules.gt)}`;
  if (gte !== undefined) return `value must be greater than or equal to ${show(rules.gte)}`;
  if (lt !== undefined) return `value must be less than ${show(rules.lt)}`;
  return lte === undefined ? undefined : `value must be less than or equal to ${show(rules.lte)}`;
}

function brokenCount(minimum: number | undefined, maximum: number | undefined, count: number, thing: 'item' | 'pair'): string | undefined {
  const [min, max] = [minimum ?? 0, maximum ?? Infinity];
  if (min === max && count !== min) return `value must contain exactly ${min} ${thing}(s)`;
  if (min > 0 && max < Infinity && (count < min || count > max)) return `value must contain between ${min} and ${max} ${thing}s, inclusive`;
  if (count < min) return `value must contain at least ${min} ${thing}(s)`;
  return count > max ? `value must contain no more than ${max} ${thing}(s)` : undefined;
}

function brokenUnique(rules: Rules, values: readonly unknown[]): string | undefined {
  if (rules.unique !== true) return undefined;
  return new Set(values).size === values.length ? undefined : 'repeated value must contain unique items';
}

function nanosOf(bound: unknown): bigint {
  const duration = parseDuration(String(bound));
  if (!duration) throw new Error(`schema table: bad duration ${String(bound)}`);
  return durationNanos(duration);
}
