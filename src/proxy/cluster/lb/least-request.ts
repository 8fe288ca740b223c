import type { Random } from '../../../core/index.ts';
import type { Host } from '../host.ts';
import type { CreateScheduler, Scheduler } from './types.ts';
import { hostAt, isUniform, totalWeight } from './weights.ts';

/**
 * LEAST_REQUEST: of `choiceCount` random hosts the one with the fewest active requests. With unequal weights active requests are
 * divided by the weight, which gives the same bias as Envoy's (active_request_bias 1) without its schedule.
 */
export function leastRequest(choiceCount: number): CreateScheduler {
  return (hosts, random) => (isUniform(hosts) ? uniform(hosts, random, choiceCount) : weighted(hosts, random, choiceCount));
}

function uniform(hosts: readonly Host[], random: Random, choiceCount: number): Scheduler {
  return { next: () => best(choiceCount, () => hosts[Math.floor(random() * hosts.length)] as Host) };
}

function weighted(hosts: readonly Host[], random: Random, choiceCount: number): Scheduler {
  const total = totalWeight(hosts);
  return { next: () => best(choiceCount, () => hostAt(hosts, total, random())) };
}

function best(choiceCount: number, draw: () => Host): Host {
  let chosen = draw();
  for (let i = 1; i < choiceCount; i += 1) {
    const other = draw();
    if (loadOf(other) < loadOf(chosen)) chosen = other;
  }
  return chosen;
}

function loadOf(host: Host): number {
  return (host.rqActive + 1) / host.endpoint.weight;
}
