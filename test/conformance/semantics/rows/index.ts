import type { Row } from '../types.ts';
import { ANSWERS } from './answers.ts';
import { FLOW } from './flow.ts';
import { HEADERS } from './headers.ts';
import { LOCAL } from './local.ts';
import { RESETS } from './resets.ts';
import { TIMEOUTS } from './timeouts.ts';

export const ROWS: readonly Row[] = [...LOCAL, ...RESETS, ...TIMEOUTS, ...ANSWERS, ...FLOW, ...HEADERS];
