import type { FieldName as AnyFieldName } from '../types.ts';
import { STATIC_ENTRIES } from './static-table.ts';

/** What the rules of RFC 9113 §8.2 and §8.3 ask about a name; looked up once a name, not once a field. */
export const NameKind = {
  REGULAR: 0,
  METHOD: 1,
  SCHEME: 2,
  AUTHORITY: 3,
  PATH: 4,
  STATUS: 5,
  PROTOCOL: 6,
  /** Connection-specific: must not appear (§8.2.2). */
  CONNECTION: 7,
  TE: 8,
  CONTENT_LENGTH: 9,
  HOST: 10,
  /** Not a lower-case token, or a pseudo-header field nobody defined. */
  INVALID: 11,
} as const;
export type NameKind = (typeof NameKind)[keyof typeof NameKind];

/** A name as the engine knows it. */
export interface FieldName extends AnyFieldName {
  readonly kind: NameKind;
  /** First index of the name in the static table; 0 when it is not there. */
  readonly staticIndex: number;
  /** False for names beyond the limit of kept ones: no table may be keyed by them. */
  readonly isKept: boolean;
  /** Which encoder (0: none) last looked up what it knows of the name, and what that is: most of them are asked by one encoder all the time. */
  historyOwner: number;
  history: unknown;
}

/** A peer chooses names: this many are kept in the process, later ones live as long as their fields. */
const MAX_KEPT_NAMES = 2048;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

const SPECIAL: ReadonlyMap<string, NameKind> = new Map<string, NameKind>([
  [':method', NameKind.METHOD],
  [':scheme', NameKind.SCHEME],
  [':authority', NameKind.AUTHORITY],
  [':path', NameKind.PATH],
  [':status', NameKind.STATUS],
  [':protocol', NameKind.PROTOCOL],
  ['connection', NameKind.CONNECTION],
  ['proxy-connection', NameKind.CONNECTION],
  ['keep-alive', NameKind.CONNECTION],
  ['transfer-encoding', NameKind.CONNECTION],
  ['upgrade', NameKind.CONNECTION],
  ['te', NameKind.TE],
  ['content-length', NameKind.CONTENT_LENGTH],
  ['host', NameKind.HOST],
]);

const kept = new Map<string, FieldName>();

/** The one object for `text`; any text is taken, `kind` says whether it may be sent. */
export function internName(text: string): FieldName {
  return kept.get(text) ?? createName(text);
}

function createName(text: string): FieldName {
  const kind = SPECIAL.get(text) ?? (TOKEN.test(text) ? NameKind.REGULAR : NameKind.INVALID);
  const name: FieldName = {
    text: internalized(text),
    mark: 0,
    kind,
    staticIndex: STATIC_ENTRIES.findIndex((entry) => entry[0] === text) + 1,
    isKept: kind !== NameKind.INVALID && kept.size < MAX_KEPT_NAMES,
    historyOwner: 0,
    history: undefined,
  };
  if (name.isKept) kept.set(name.text, name);
  return name;
}

/** The same text as the engine's one copy of it: compared with a literal, two such texts cost a comparison of pointers. */
function internalized(text: string): string {
  return Object.keys({ [text]: 0 })[0] ?? text;
}
