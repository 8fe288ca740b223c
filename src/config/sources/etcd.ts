import { z } from 'zod';
import type { SourceConfig } from '../types.ts';
import { durationValue, section, textValue } from '../values.ts';
import { clientTls, isHostPort, ringKeys, secretRef } from './values.ts';

const endpoint = textValue('an endpoint', 'http://host:port or https://host:port, such as http://etcd:2379', (text) => {
  const bare = text.replace(/\/$/, '');
  return /^https?:\/\/[^/?#@]+$/.test(bare) && isHostPort(bare.replace(/^https?:\/\//, '')) ? bare : undefined;
});

export const etcdSource: z.ZodType<SourceConfig, unknown> = section({
  endpoints: z
    .array(endpoint)
    .min(1, { error: 'is empty, allowed: one or more endpoints' })
    .describe('Members of one etcd cluster, 3.4 or newer: one is followed, the next when it fails. The first is one at random.'),
  keys: ringKeys(),
  timeout: durationValue(10, 60_000).prefault('5s').describe('How long one answer may take.'),
  tls: clientTls(),
  user: z.string().min(1).optional().describe('With password. Needs to read the two keys.'),
  password: secretRef().optional().describe('With user.'),
})
  .transform(({ endpoints, keys, timeout, tls, user, password }, context): SourceConfig => {
    if ((user === undefined) !== (password === undefined))
      context.addIssue({ code: 'custom', message: 'has one of user and password, allowed: both or neither' });
    const plain = tls === null ? undefined : endpoints.find((one) => one.startsWith('http:'));
    if (plain !== undefined) context.addIssue({ code: 'custom', message: `has tls, but ${plain} is without, allowed: https:// endpoints` });
    const login = user === undefined || password === undefined ? null : { user, password };
    return { kind: 'etcd', endpoints: [...new Set(endpoints)], keys, timeoutMs: timeout, tls, login };
  })
  .describe("Tempo's rings in etcd (kvstore.store: etcd).");
