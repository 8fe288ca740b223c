// The sources of a ring: one file a kind, with every key, its meaning and its default.
import { z } from 'zod';
import type { SourceConfig } from '../types.ts';
import { section } from '../values.ts';
import { consulSource } from './consul.ts';
import { dnsSource } from './dns.ts';
import { etcdSource } from './etcd.ts';
import { gossipSource } from './gossip.ts';
import { kubernetesSource } from './kubernetes.ts';
import { natsSource } from './nats.ts';
import { staticSource } from './static.ts';
import { tempoSource } from './tempo.ts';

const KINDS = {
  tempo: tempoSource.optional(),
  gossip: gossipSource.optional(),
  nats: natsSource.optional(),
  kubernetes: kubernetesSource.optional(),
  dns: dnsSource.optional(),
  etcd: etcdSource.optional(),
  consul: consulSource.optional(),
  static: staticSource.optional(),
};

/** One entry of `sources`: exactly one kind. */
export const source: z.ZodType<SourceConfig, unknown> = section(KINDS).transform((given, context): SourceConfig => {
  const [one, ...more] = Object.values(given).filter((config) => config !== undefined);
  if (one !== undefined && more.length === 0) return one;
  if (context.issues.length > 0) return z.NEVER;
  const allowed = Object.keys(KINDS).join(', ');
  context.addIssue({ code: 'custom', message: `names ${more.length === 0 ? 'no source' : 'several sources'}, allowed: one of ${allowed}` });
  return z.NEVER;
});
