import type { AdminReply } from './page.ts';

/** Made when it is written: a part of a long reply. */
export type Late<T> = () => T;

/** Below this depth a value is one piece. */
const DEPTH = 4;

/**
 * What `JSON.stringify(value, undefined, 1)` gives, a newline after it, in pieces: elements of lists and members of objects down to a depth of
 * four. A function there stands for its result.
 */
export function jsonInPieces(value: unknown): AdminReply {
  return { status: 200, contentType: 'application/json', body: lines(value) };
}

function* lines(value: unknown): Generator<string, void> {
  yield* pieces(value, 0);
  yield '\n';
}

function* pieces(given: unknown, depth: number): Generator<string, void> {
  const value: unknown = typeof given === 'function' ? given() : given;
  const entries = depth < DEPTH ? entriesOf(value) : [];
  if (entries.length === 0) {
    yield JSON.stringify(value, undefined, 1).replaceAll('\n', `\n${' '.repeat(depth)}`);
    return;
  }
  const isList = Array.isArray(value);
  let before = isList ? '[' : '{';
  for (const [name, inner] of entries) {
    yield `${before}\n${' '.repeat(depth + 1)}${isList ? '' : `${JSON.stringify(name)}: `}`;
    yield* pieces(inner, depth + 1);
    before = ',';
  }
  yield `\n${' '.repeat(depth)}${isList ? ']' : '}'}`;
}

/** None of what is no list and no object. */
function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  if (Array.isArray(value)) return value.map((item: unknown) => ['', item] as const);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).filter(([, inner]) => inner !== undefined);
}
