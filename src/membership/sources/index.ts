// Everything that says who is in a ring, one folder a source, the same file names in each: options.ts (what it is told), read.ts (one
// read), watch.ts (the MembershipSource). Begin with createSources. Sources know neither each other nor the merge.
import type { SourceConfig } from '../../config/index.ts';
import type { MembershipSource, RingName } from '../types.ts';
import { createStaticSource } from './static/index.ts';
import { createTempoSource } from './tempo/index.ts';
import type { SourceDeps } from './types.ts';

export { createStaticSource } from './static/index.ts';
export { createTempoSource, type TempoSourceOptions } from './tempo/index.ts';
export type { SourceDeps } from './types.ts';

/** The sources of one ring in the order of its configuration, named after their kind: `tempo`, `static`, a second one `tempo-2`. */
export function createSources(ring: RingName, configs: readonly SourceConfig[], deps: SourceDeps): readonly MembershipSource[] {
  const counts = new Map<string, number>();
  return configs.map((config) => {
    const count = (counts.get(config.kind) ?? 0) + 1;
    counts.set(config.kind, count);
    const name = count === 1 ? config.kind : `${config.kind}-${count}`;
    return config.kind === 'tempo'
      ? createTempoSource({ ...config, name, ring }, deps)
      : createStaticSource({ ...config, name, ring }, deps);
  });
}
