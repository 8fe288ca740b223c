import type { Position } from '../problem.ts';

/** One value of a configuration text with its place: what both the YAML and the JSON parser make. */
export type SourceNode = SourceMap | SourceList | SourceScalar;

export interface SourceMap {
  readonly kind: 'map';
  readonly at: Position;
  /** In the order of the text; of equal keys the last counts. */
  readonly entries: readonly SourceEntry[];
}

export interface SourceEntry {
  readonly key: string;
  readonly keyAt: Position;
  readonly value: SourceNode;
}

export interface SourceList {
  readonly kind: 'list';
  readonly at: Position;
  readonly items: readonly SourceNode[];
}

export interface SourceScalar {
  readonly kind: 'scalar';
  readonly at: Position;
  /** As JSON would have it; a number keeps its text, too, as it may have 64 bits. */
  readonly value: string | number | boolean | null;
  readonly text: string;
}

/** What a parser found: a tree, or none and the reason. */
export interface SourceDocument {
  readonly root: SourceNode | null;
  readonly errors: readonly SourceNote[];
  readonly warnings: readonly SourceNote[];
}

export interface SourceNote {
  readonly at: Position;
  readonly text: string;
}

/** What a value is called in an error. */
export function describeNode(node: SourceNode): string {
  if (node.kind === 'map') return 'an object';
  if (node.kind === 'list') return 'a list';
  if (node.value === null) return 'null';
  if (typeof node.value === 'string') return `the string "${shorten(node.value)}"`;
  return `the ${typeof node.value} ${shorten(node.text)}`;
}

/** At most 60 characters on one line. */
function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length <= 60 ? line : `${line.slice(0, 59)}…`;
}
