import type { LbPolicy } from '../types.ts';
import { leastRequest } from './least-request.ts';
import { createRandom } from './random.ts';
import { createRoundRobin } from './round-robin.ts';
import type { CreateScheduler } from './types.ts';

/** The scheduler of a policy (Cluster.lb_policy). */
export function createScheduler(policy: LbPolicy): CreateScheduler {
  switch (policy.name) {
    case 'ROUND_ROBIN':
      return createRoundRobin;
    case 'RANDOM':
      return createRandom;
    case 'LEAST_REQUEST':
      return leastRequest(policy.choiceCount);
  }
}
