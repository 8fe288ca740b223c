import type { Host } from '../host.ts';

/** True when all weights are the same, so that nothing has to be weighed. */
export function isUniform(hosts: readonly Host[]): boolean {
  return hosts.every((host) => host.endpoint.weight === hosts[0]?.endpoint.weight);
}

/** A host whose chance is its part of the total weight; `at` in [0, 1). */
export function hostAt(hosts: readonly Host[], totalWeight: number, at: number): Host {
  let left = at * totalWeight;
  for (const host of hosts) {
    left -= host.endpoint.weight;
    if (left < 0) return host;
  }
  return hosts.at(-1) as Host;
}

export function totalWeight(hosts: readonly Host[]): number {
  return hosts.reduce((sum, host) => sum + host.endpoint.weight, 0);
}
