import type { Random } from '../../../core/index.ts';
import type { Host } from '../host.ts';
import type { Scheduler } from './types.ts';
import { hostAt, isUniform, totalWeight } from './weights.ts';

/** RANDOM, by weight. */
export function createRandom(hosts: readonly Host[], random: Random): Scheduler {
  if (isUniform(hosts)) return { next: () => hosts[Math.floor(random() * hosts.length)] as Host };
  const total = totalWeight(hosts);
  return { next: () => hostAt(hosts, total, random()) };
}
