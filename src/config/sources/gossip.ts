import { z } from 'zod';
import type { SourceConfig } from '../types.ts';
import { durationValue, section, textValue } from '../values.ts';
import { clientTls, isHostPort, ringKeys } from './values.ts';

const seed = textValue('a seed', 'host:port, dns+host:port, dnssrv+name or dnssrvnoa+name, as in memberlist.join_members', (text) =>
  isSeed(text) ? text : undefined,
);

function isSeed(text: string): boolean {
  if (/^dnssrv(noa)?\+[A-Za-z0-9._-]+$/.test(text)) return true;
  return isHostPort(text.replace(/^dns\+/, ''));
}

export const gossipSource: z.ZodType<SourceConfig, unknown> = section({
  seeds: z
    .array(seed)
    .min(1, { error: 'is empty, allowed: one or more seeds' })
    .describe('Where the gossip is, in the words of memberlist.join_members.'),
  every: durationValue(100, 3_600_000)
    .prefault('1s')
    .describe('How often one of the peers, at random, is asked for all it knows, jittered by a tenth.'),
  timeout: durationValue(10, 60_000).prefault('2s').describe('How long one exchange may take.'),
  clusterLabel: z.string().max(255).prefault('').describe('memberlist.cluster_label; the Helm chart sets <release>.<namespace>.'),
  keys: ringKeys(),
  tls: clientTls(),
})
  .transform(
    ({ seeds, every, timeout, clusterLabel, keys, tls }): SourceConfig => ({
      kind: 'gossip',
      seeds: [...new Set(seeds)],
      everyMs: every,
      timeoutMs: timeout,
      clusterLabel,
      keys,
      tls,
    }),
  )
  .describe("Tempo's gossip (memberlist), watched from outside: nothing joins, nothing can be altered.");
