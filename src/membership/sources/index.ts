// Everything that says who is in a ring, one folder a source, the same file names in each: options.ts (what it is told), read.ts (one
// read), watch.ts (the MembershipSource). Begin with createSources. Sources know neither each other nor the merge.
import type { SourceConfig } from '../../config/index.ts';
import type { MembershipSource, RingName } from '../types.ts';
import { createConsulSource } from './consul/index.ts';
import { createDnsSource } from './dns/index.ts';
import { createEtcdSource } from './etcd/index.ts';
import { createGossipSource } from './gossip/index.ts';
import { createKubernetesSource } from './kubernetes/index.ts';
import { createNatsSource } from './nats/index.ts';
import { createStaticSource } from './static/index.ts';
import { createTempoSource } from './tempo/index.ts';
import type { SourceDeps } from './types.ts';

export type { SourceDeps } from './types.ts';

/** The sources of one ring in the order of its configuration, named after their kind: `tempo`, `static`, a second one `tempo-2`. */
export function createSources(ring: RingName, configs: readonly SourceConfig[], deps: SourceDeps): readonly MembershipSource[] {
  const counts = new Map<string, number>();
  return configs.map((config) => {
    const count = (counts.get(config.kind) ?? 0) + 1;
    counts.set(config.kind, count);
    return createSource(config, { name: count === 1 ? config.kind : `${config.kind}-${count}`, ring }, deps);
  });
}

function createSource(config: SourceConfig, names: { readonly name: string; readonly ring: RingName }, deps: SourceDeps): MembershipSource {
  switch (config.kind) {
    case 'tempo':
      return createTempoSource({ ...config, ...names }, deps);
    case 'gossip':
      return createGossipSource({ ...config, ...names }, deps);
    case 'nats':
      return createNatsSource({ ...config, ...names }, deps);
    case 'kubernetes':
      return createKubernetesSource({ ...config, ...names }, deps);
    case 'dns':
      return createDnsSource({ ...config, ...names }, deps);
    case 'etcd':
      return createEtcdSource({ ...config, ...names }, deps);
    case 'consul':
      return createConsulSource({ ...config, ...names }, deps);
    case 'static':
      return createStaticSource({ ...config, ...names }, deps);
  }
}
