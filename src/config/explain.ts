import type { z } from 'zod';
import { nearestName } from '../core/index.ts';
import { show } from './values.ts';

/** Where in a document, from its root. */
export type Path = readonly PropertyKey[];

/** One thing that is wrong: `key: what, what is allowed`. */
export interface Explanation {
  readonly path: Path;
  readonly text: string;
}

type Issue = z.core.$ZodIssue;

/** zod's issues in our words. `value` is what was checked. */
export function explainIssues(issues: readonly Issue[], value: unknown): readonly Explanation[] {
  return issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? explainUnknownKeys(issue) : [explain(issue, value)]));
}

/** The message of an object made by `section` is the list of its keys. */
function explainUnknownKeys(issue: z.core.$ZodIssueUnrecognizedKeys): readonly Explanation[] {
  return issue.keys.map((key) => {
    const path = [...issue.path, key];
    const near = nearestName(key, issue.message.split(', '));
    const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
    return { path, text: `${showPath(path)}: unknown key${hint}, allowed: ${issue.message}` };
  });
}

function explain(issue: Issue, value: unknown): Explanation {
  return { path: issue.path, text: `${showPath(issue.path)}: ${whatIsWrong(issue, valueAt(value, issue.path))}` };
}

const KINDS: Readonly<Record<string, string>> = {
  object: 'keys and values',
  record: 'keys and values',
  map: 'keys and values',
  array: 'a list',
  string: 'a text',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
};

function whatIsWrong(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type': {
      const allowed = KINDS[issue.expected];
      if (allowed === undefined || !issue.message.startsWith('Invalid input')) return issue.message;
      return value === undefined ? `missing, allowed: ${allowed}` : `${show(value)} is of the wrong type, allowed: ${allowed}`;
    }
    case 'invalid_value':
      return `${value === undefined ? 'missing' : `${show(value)} is unknown`}, allowed: ${issue.values.map(String).join(', ')}`;
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Reflect.get(at, part);
  }
  return at;
}

/** `rings.live-store.sources[0].tempo`; the root is "the file". */
function showPath(path: Path): string {
  if (path.length === 0) return 'the file';
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}
