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

/** What both proxies play. */
export const GROUPS: readonly Group[] = [
  { rows: [...LOCAL, ...RESETS, ...TIMEOUTS, ...ANSWERS, ...FLOW, ...HEADERS] },
  { rows: DEADLINES, runtime: DEADLINE_RUNTIME },
];

export { REFUSED };
