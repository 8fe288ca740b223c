import { z } from 'zod';
import type { SecretRef, SourceConfig } from '../types.ts';
import { baseUrlValue, durationValue, section, textValue } from '../values.ts';
import { clientTls, ringKeys, secretRef } from './values.ts';

export const tempoSource: z.ZodType<SourceConfig, unknown> = section({
  urls: z
    .array(baseUrlValue())
    .min(1, { error: 'is empty, allowed: one or more base URLs' })
    .describe(
      'Base URLs of processes that have the ring (distributor, querier, live-store). All are read, the newest of each entry counts.',
    ),
  every: durationValue(100, 3_600_000).prefault('1s').describe('How often each is read, jittered by a tenth.'),
  timeout: durationValue(10, 60_000).prefault('2s').describe('How long one answer may take.'),
  keys: ringKeys(),
  tls: clientTls(),
  bearer: secretRef().optional().describe('Sent as `authorization: Bearer …`.'),
  headers: z
    .record(
      textValue('a header name', 'letters, digits and "-"', (text) => (/^[A-Za-z0-9-]{1,64}$/.test(text) ? text.toLowerCase() : undefined)),
      z.union([textValue('a header value', 'visible ASCII', (text) => (/^[\x20-\x7e]+$/.test(text) ? text : undefined)), secretRef()]),
    )
    .prefault({})
    .describe('Headers to send, each a text or where a secret is; X-Scope-OrgID for a gateway that wants one.'),
})
  .transform(
    ({ urls, every, timeout, keys, tls, bearer, headers }): SourceConfig => ({
      kind: 'tempo',
      urls: [...new Set(urls)],
      everyMs: every,
      timeoutMs: timeout,
      keys,
      tls,
      bearer: bearer ?? null,
      headers: new Map<string, string | SecretRef>(Object.entries(headers)),
    }),
  )
  .describe('A running Tempo.');
