import { z } from 'zod';
import type { SourceConfig } from '../types.ts';
import { baseUrlValue, durationValue, section } from '../values.ts';
import { clientTls, ringKeys, secretRef } from './values.ts';

export const etcdSource: z.ZodType<SourceConfig, unknown> = section({
  endpoints: z
    .array(baseUrlValue())
    .min(1, { error: 'is empty, allowed: one or more URLs' })
    .describe('URLs of etcd servers, tried in turn.'),
  keys: ringKeys(),
  timeout: durationValue(10, 60_000).prefault('5s').describe('How long one answer may take.'),
  tls: clientTls(),
  user: z.string().min(1).optional().describe('With password.'),
  password: secretRef().optional().describe('With user.'),
})
  .transform(({ endpoints, keys, timeout, tls, user, password }, context): SourceConfig => {
    if ((user === undefined) !== (password === undefined))
      context.addIssue({ code: 'custom', message: 'has one of user and password, allowed: both or neither' });
    const login = user === undefined || password === undefined ? null : { user, password };
    return { kind: 'etcd', endpoints: [...new Set(endpoints)], keys, timeoutMs: timeout, tls, login };
  })
  .describe("Tempo's rings in etcd (kvstore.store: etcd).");
