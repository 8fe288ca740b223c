import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';
import { messageOf } from '../core/index.ts';
import { ConfigError } from './errors.ts';
import { explainIssues, type Path } from './explain.ts';

/** A text in YAML (or JSON, which is YAML), and the name that errors call it. */
export interface TextFile {
  readonly file: string;
  readonly text: string;
}

/**
 * Reads a document and checks it. Throws ConfigError with its problems, in the order of lines: bad YAML, or else what the
 * schema refuses. An empty document is null.
 */
export function readDocument<T>({ file, text }: TextFile, schema: z.ZodType<T>): T {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const broken = [...document.errors, ...document.warnings].map(({ pos, message }) => ({
    line: lines.linePos(pos[0]).line,
    text: message,
  }));
  if (broken.length > 0)
    throw problemsOf(
      file,
      broken.map(({ line, text: what }) => ({ line, text: `bad YAML: ${oneLine(what)}` })),
      MAX_SYNTAX_PROBLEMS,
    );
  const value = plainValue(file, document);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const explained = explainIssues(result.error.issues, value);
  throw problemsOf(
    file,
    explained.map(({ path, text: what }) => ({ line: lineOf(document, path, lines), text: what })),
  );
}

/** Checks a plain value, such as one made from flags, as `readDocument` checks a file; problems have no line. */
export function readValue<T>(name: string, value: unknown, schema: z.ZodType<T>): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new ConfigError(explainIssues(result.error.issues, value).map(({ text }) => `${name}: ${text}`));
}

interface Problem {
  readonly line: number;
  readonly text: string;
}

/** What is told at once: a file that is something else altogether has thousands, and bad YAML mostly follows from the first. */
const MAX_PROBLEMS = 50;
const MAX_SYNTAX_PROBLEMS = 3;

/** Problems as lines in their order. Those over `most` are counted in a last one, at the line of the first of them. */
function problemsOf(file: string, problems: readonly Problem[], most: number = MAX_PROBLEMS): ConfigError {
  const inOrder = problems.toSorted((a, b) => a.line - b.line);
  const untold = inOrder[most];
  const told = inOrder.slice(0, most).map(({ line, text }) => `${file}:${line}: ${text}`);
  return new ConfigError(untold === undefined ? told : [...told, `${file}:${untold.line}: ${inOrder.length - most} more`]);
}

/** Aliases are expanded here, and refused when they grow without bound or stand in what they name. */
function plainValue(file: string, document: Document): unknown {
  const refuse = (what: string): ConfigError => problemsOf(file, [{ line: 1, text: `bad YAML: ${what}` }]);
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    throw refuse(oneLine(messageOf(error)));
  }
  if (!isTree(value)) throw refuse('an alias stands in what it names');
  return value;
}

function isTree(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

/** The line where the last part of `path` that exists stands: of a key rather than of its value. */
function lineOf(document: Document, path: Path, lines: LineCounter): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? node.range?.[0] : undefined;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (!pair) break;
      offset = isScalar(pair.key) ? pair.key.range?.[0] : offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = isNode(node) ? (node.range?.[0] ?? offset) : offset;
    } else break;
  }
  return lines.linePos(offset ?? 0).line || 1;
}

function isNode(value: unknown): value is Node {
  return isMap(value) || isSeq(value) || isScalar(value) || isAlias(value);
}
