import { z } from 'zod';
import type { SourceConfig } from '../types.ts';
import { durationValue, section, textValue } from '../values.ts';
import { clientTls, isHostPort, ringKeys } from './values.ts';

const seed = textValue('a seed', 'host:port, dns+host:port, dnssrv+name or dnssrvnoa+name, as in memberlist.join_members', (text) =>
  isSeed(text) ? text : undefined,
);

/** A port behind the name of an SRV record takes the place of the record's, as in dskit (dns/resolver.go). */
function isSeed(text: string): boolean {
  const [, prefix, name = ''] = /^(?:(dns|dnssrv|dnssrvnoa)\+)?([^+]*)$/.exec(text) ?? [];
  if (prefix === undefined || prefix === 'dns') return isHostPort(name);
  return /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/.test(name) || (/^[A-Za-z0-9._-]+:\d+$/.test(name) && isHostPort(name));
}

const clusterLabel = textValue('a cluster label', 'a text of at most 255 octets', (text) =>
  Buffer.byteLength(text) <= 255 ? text : undefined,
);

export const gossipSource: z.ZodType<SourceConfig, unknown> = section({
  seeds: z
    .array(seed)
    .min(1, { error: 'is empty, allowed: one or more seeds' })
    .describe(
      'Where the gossip is, in the words of memberlist.join_members. With less than 8 peers there, further members of the gossip are asked too.',
    ),
  every: durationValue(100, 3_600_000)
    .prefault('1s')
    .describe('How often each peer is asked for all it knows, jittered by a tenth; less often when the answers are large.'),
  timeout: durationValue(10, 60_000).prefault('2s').describe('How long one exchange may take.'),
  clusterLabel: clusterLabel.prefault('').describe('memberlist.cluster_label; the Helm chart sets <release>.<namespace>.'),
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
