import type { Random } from '../../../core/index.ts';
import type { Host } from '../host.ts';

/** Picks from one fixed, non-empty list of hosts. Made anew whenever the list changes. */
export interface Scheduler {
  next(): Host;
}

/** How a policy makes its scheduler; every policy file has the same sections. */
export type CreateScheduler = (hosts: readonly Host[], random: Random) => Scheduler;
