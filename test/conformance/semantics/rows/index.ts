import type { Row } from '../types.ts';
import { ANSWERS } from './answers.ts';
import { DEADLINE_RUNTIME, DEADLINES } from './deadlines.ts';
import { FLOW } from './flow.ts';
import { HEADERS } from './headers.ts';
import { LOCAL } from './local.ts';
import { REFUSED } from './refused.ts';
import { RESETS } from './resets.ts';
import { TIMEOUTS } from './timeouts.ts';

/** One bootstrap's situations; `runtime`: keys of its static layer. */
export interface Group {
  readonly rows: readonly Row[];
  readonly runtime?: string;
}

/** What the page is divided into. */
export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

const PLAYED: readonly Section[] = [
  { title: 'No upstream answers', rows: LOCAL },
  { title: 'The upstream breaks off', rows: RESETS },
  { title: 'Time is up', rows: TIMEOUTS },
  { title: 'Answers', rows: ANSWERS },
  { title: 'Who ends when', rows: FLOW },
  { title: 'Headers', rows: HEADERS },
];

/** What both proxies play. */
export const GROUPS: readonly Group[] = [{ rows: PLAYED.flatMap(({ rows }) => rows) }, { rows: DEADLINES, runtime: DEADLINE_RUNTIME }];

/** The same by subject. */
export const SECTIONS: readonly Section[] = [...PLAYED, { title: `With ${DEADLINE_RUNTIME}`, rows: DEADLINES }];

export { REFUSED };
