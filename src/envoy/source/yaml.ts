// YAML text to source nodes. Scalars become JSON values by the rules Envoy uses: quoted ones are strings, plain ones are null, booleans
// (yes, on and y included) or integers where they look so, else strings; so 1.5 in a Struct is a string, as in Envoy.
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  type YAMLError,
} from 'yaml';
import type { Position } from '../problem.ts';
import type { SourceDocument, SourceEntry, SourceNode, SourceNote, SourceScalar } from './node.ts';

const NULL = /^(?:~|null|Null|NULL|)$/;
const TRUE = /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/;
const INTEGER = /^([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]+|0|[1-9]\d*)$/;

class AliasError extends Error {
  readonly at: Position;

  constructor(at: Position, text: string) {
    super(text);
    this.at = at;
  }
}

/** Parses a YAML text. Of several documents the first counts, as in Envoy; the others are a warning. */
export function parseYaml(text: string): SourceDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { schema: 'failsafe', uniqueKeys: false, lineCounter: lines, prettyErrors: false, strict: true });
  const note = (error: YAMLError): SourceNote => ({ at: position(lines, error.pos[0]), text: `bad YAML: ${firstLine(error.message)}` });
  const errors = document.errors.filter(({ code }) => code !== 'MULTIPLE_DOCS').map(note);
  const others = document.errors.filter(({ code }) => code === 'MULTIPLE_DOCS');
  const warnings = others.map((error) => ({ ...note(error), text: 'more than one document: only the first counts' }));
  if (errors.length > 0 || document.contents === null) return { root: null, errors, warnings };
  try {
    const converter = new Converter(lines, (alias) => alias.resolve(document) as Node | undefined);
    return { root: converter.convert(document.contents as Node), errors, warnings };
  } catch (error) {
    if (error instanceof AliasError) return { root: null, errors: [{ at: error.at, text: error.message }], warnings };
    throw error;
  }
}

class Converter {
  readonly #lines: LineCounter;
  readonly #resolve: (alias: Alias) => Node | undefined;
  /** An anchored value is converted once, however often it is named. */
  readonly #done = new Map<Node, SourceNode>();
  readonly #open = new Set<Node>();

  constructor(lines: LineCounter, resolve: (alias: Alias) => Node | undefined) {
    this.#lines = lines;
    this.#resolve = resolve;
  }

  convert(node: Node): SourceNode {
    const at = position(this.#lines, node.range?.[0] ?? 0);
    if (isAlias(node)) {
      const target = this.#resolve(node);
      if (!target) throw new AliasError(at, `bad YAML: no anchor &${node.source}`);
      if (this.#open.has(target)) throw new AliasError(at, `bad YAML: *${node.source} stands inside its own anchor`);
      return this.#done.get(target) ?? this.convert(target);
    }
    this.#open.add(node);
    const result = this.#build(node, at);
    this.#open.delete(node);
    this.#done.set(node, result);
    return result;
  }

  #build(node: Node, at: Position): SourceNode {
    if (isMap(node)) return { kind: 'map', at, entries: (node.items as Pair<Node, Node | null>[]).map((pair) => this.#entry(pair, at)) };
    if (isSeq(node)) return { kind: 'list', at, items: (node.items as Node[]).map((item) => this.convert(item)) };
    if (isScalar(node)) return scalar(String(node.value ?? ''), at, node.type !== undefined && node.type !== Scalar.PLAIN);
    return scalar('', at, false);
  }

  #entry({ key, value }: Pair<Node, Node | null>, at: Position): SourceEntry {
    const keyAt = key?.range ? position(this.#lines, key.range[0]) : at;
    const name = isScalar(key) ? String(key.value ?? '') : isAlias(key) ? `*${key.source}` : '?';
    return { key: name, keyAt, value: value === null ? scalar('', keyAt, false) : this.convert(value) };
  }
}

function scalar(text: string, at: Position, isQuoted: boolean): SourceScalar {
  return { kind: 'scalar', at, text, value: isQuoted ? text : plainValue(text) };
}

/** What a scalar without quotes stands for in Envoy. */
export function plainValue(text: string): string | number | boolean | null {
  if (NULL.test(text)) return null;
  if (TRUE.test(text)) return true;
  if (FALSE.test(text)) return false;
  const match = INTEGER.exec(text);
  if (!match) return text;
  const [, sign, digits = ''] = match;
  const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  if (!Number.isSafeInteger(value)) return text;
  return sign === '-' ? -value : value;
}

function position(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function firstLine(message: string): string {
  const line = message.split('\n')[0] ?? '';
  return `${line.charAt(0).toLowerCase()}${line.slice(1)}`;
}
