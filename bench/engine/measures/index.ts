// What is measured beside the cost of requests. `measure` runs one part by its name; each part is a file.
import type { Finding, Lab } from './finding.ts';
import { measureIdle } from './idle.ts';
import { measureLatency } from './latency.ts';
import { measureMemory } from './memory.ts';
import { measureStall } from './stall.ts';
import { measureStart } from './start.ts';

export type { Finding, Lab } from './finding.ts';

/** The parts by name. */
export const MEASURES: Readonly<Record<string, (lab: Lab, loadCore: number, folder: string) => Promise<readonly Finding[]>>> = {
  latency: measureLatency,
  stall: measureStall,
  memory: measureMemory,
  idle: measureIdle,
  start: measureStart,
};
