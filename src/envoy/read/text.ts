import { checkConstraints } from '../check/constraints.ts';
import type { MessageName, MessageValue } from '../codec.ts';
import type { Place, Position, Problem } from '../problem.ts';
import { knownMessage } from '../schema.ts';
import { parseJson } from '../source/json.ts';
import { describeNode } from '../source/node.ts';
import { parseYaml } from '../source/yaml.ts';
import { Reader } from './reader.ts';
import { Report } from './report.ts';

/** A text to read. */
export interface ReadOptions {
  /** What errors call the text. */
  readonly file: string;
  readonly format: 'yaml' | 'json';
  /** `warn` as with Envoy's --allow-unknown-static-fields; `refuse` unless given. */
  readonly unknownFields?: 'refuse' | 'warn';
  /** Whether protoc-gen-validate rules count; true unless given. Switch off for a part that is merged later, and call `checkConstraintsAt` then. */
  readonly constraints?: boolean;
}

/** What was read. */
export interface ReadResult<T> {
  /** Present also when there are errors: without what was refused. */
  readonly message: T;
  /** In the order of the text. Use the message only when there are none. */
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Where each value stands, by its path. */
  readonly places: ReadonlyMap<string, Place>;
}

/** Reads a message of the type with full name `name` from YAML or canonical proto3 JSON (either spelling of field names). Never throws for what the text says. */
export function readMessage<Name extends MessageName>(name: Name, text: string, options: ReadOptions): ReadResult<MessageValue<Name>> {
  const report = new Report(options.file);
  const reader = new Reader(report, { allowsUnknownFields: options.unknownFields === 'warn' });
  const document = options.format === 'yaml' ? parseYaml(text) : parseJson(text);
  for (const { at, text: reason } of document.errors) report.error('', at, reason);
  for (const { at, text: reason } of document.warnings) report.warning('', at, reason);
  const start: Position = { line: 1, column: 1 };
  const { root } = document;
  let message: unknown;
  if (root === null) {
    if (document.errors.length === 0) report.error('', start, `empty: expected an object (message ${name})`);
  } else if (root.kind !== 'map') {
    report.error('', root.at, `expected an object (message ${name}), got ${describeNode(root)}`);
  } else {
    message = reader.message(knownMessage(name), root, '');
  }
  const read = (message ?? reader.message(knownMessage(name), { kind: 'map', at: start, entries: [] }, '')) as MessageValue<Name>;
  if (options.constraints !== false && root !== null) {
    const violations = checkConstraintsAt(name, read, report.places);
    report.errors.push(...violations.filter(({ path }) => !followsFrom(path, report)));
  }
  report.errors.sort(byPosition);
  return { message: read, errors: report.errors, warnings: report.warnings, places: report.places };
}

/** True for a violation at or around a value that was refused: it may be missing only because of that. */
function followsFrom(path: string, { errors, tainted }: Report): boolean {
  return errors.some((error) => isWithin(path, error.path) || isWithin(error.path, path)) || tainted.some((list) => isWithin(path, list));
}

function isWithin(path: string, outer: string): boolean {
  return outer === '' || path === outer || (path.startsWith(outer) && /[.[]/.test(path[outer.length] ?? ''));
}

/** `checkConstraints` with each violation placed where its value, or else the nearest value around it, stands. */
export function checkConstraintsAt(name: MessageName, message: unknown, places: ReadonlyMap<string, Place>): Problem[] {
  return checkConstraints(name, message).map(({ path, text }) => problemAt(places, path, text));
}

/** A problem of the value at `path`, placed where it, or else the nearest value around it, stands. */
export function problemAt(places: ReadonlyMap<string, Place>, path: string, text: string): Problem {
  const { file, line, column, resource } = nearest(places, path);
  return { file, at: { line, column }, path, text, resource };
}

function nearest(places: ReadonlyMap<string, Place>, path: string): Place {
  for (let part = path; part !== ''; part = part.slice(0, Math.max(part.lastIndexOf('.'), part.lastIndexOf('['), 0))) {
    const place = places.get(part);
    if (place) return place;
  }
  return places.get('') ?? { file: '', line: 1, column: 1, resource: '' };
}

function byPosition(a: Problem, b: Problem): number {
  return a.at.line - b.at.line || a.at.column - b.at.column;
}
