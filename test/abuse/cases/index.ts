import type { AbuseCase } from './abuse-case.ts';
import { CONNECTION_FAULTS } from './connection-faults.ts';
import { FLOODS } from './floods.ts';
import { HTTP1 } from './http1.ts';
import { MESSAGES } from './messages.ts';

/** The attacks that are octets on one connection, by number. */
export const CASES: readonly AbuseCase[] = [...FLOODS, ...MESSAGES, ...CONNECTION_FAULTS, ...HTTP1].toSorted((a, b) => a.number - b.number);
