import { CompileError } from '../types.ts';

/**
 * What a compiler does with the fields of one message type. A field in neither list that is set refuses the resource: nothing is
 * ignored in silence. Field names are those of the generated interface; a oneof stands under the name of the oneof.
 */
export interface FieldSupport<Message> {
  /** The compiler reads them. */
  readonly reads: readonly (keyof Message)[];
  /** They ask for nothing here, or for what is so in any case; each with its reason in the table. */
  readonly harmless: readonly (keyof Message)[];
}

/** Throws CompileError for the first set field of `message` that `support` does not list. `path` is where the message stands, '' at the top. */
export function refuseOthers<Message extends object>(path: string, message: Message, support: FieldSupport<Message>): void {
  for (const key of Object.keys(message) as (keyof Message & string)[]) {
    if (support.reads.includes(key) || support.harmless.includes(key) || !isSet(message[key])) continue;
    refuse(fieldPath(path, caseOf(message[key]) ?? key), 'is not supported');
  }
}

/** Throws CompileError. */
export function refuse(path: string, reason: string): never {
  throw new CompileError(path, reason);
}

/** `a.b_c` from `a` and `bC`: field names as the .proto writes them. */
export function fieldPath(path: string, key: string): string {
  const name = key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return path === '' ? name : `${path}.${name}`;
}

/** Present as far as proto3 can say: defaults of scalars, empty lists and maps are not. */
function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '' || value === 0 || value === 0n) return false;
  if (Array.isArray(value)) return value.length > 0;
  return value instanceof Map || value instanceof Uint8Array ? (value instanceof Map ? value.size : value.length) > 0 : true;
}

/** The member of a oneof that is set. */
function caseOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('$case' in value)) return undefined;
  return typeof value.$case === 'string' ? value.$case : undefined;
}
