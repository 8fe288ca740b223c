import type { ResourceSink, ResourceUpdate } from '../../xds/client/types.ts';

/**
 * A sink for every process of a sidecar: what the first one accepts goes to the others, and is answered for when they have it. What it
 * refuses goes nowhere. Updates come one at a time, so that all see the same order.
 */
export function sharedSink(first: ResourceSink, workers: { apply(update: ResourceUpdate): Promise<void> }): ResourceSink {
  return {
    async apply(update) {
      const failures = await first.apply(update);
      const refused = new Set(failures.map(({ name }) => name));
      await workers.apply({ ...update, upserts: update.upserts.filter(({ name }) => !refused.has(name)) });
      return failures;
    },
  };
}
