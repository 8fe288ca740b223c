import { z } from 'zod';
import type { SecretRef, SourceConfig } from '../types.ts';
import { baseUrlValue, durationValue, section, textValue } from '../values.ts';
import { clientTls, ringKeys, secretRef } from './values.ts';

/** What the request itself is made of is not to be had otherwise. */
const OURS = ['accept', 'accept-encoding', 'connection', 'content-length', 'host', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

const BAD_VALUE = 'is not a header value, allowed: visible ASCII, or where a secret is: {file: NAME} or {env: NAME}';

function headerName(text: string): string | undefined {
  const name = text.toLowerCase();
  return /^[a-z0-9-]{1,64}$/.test(name) && !OURS.includes(name) ? name : undefined;
}

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
      textValue('a header name', `letters, digits and "-", but none of ${OURS.join(', ')}`, headerName),
      z.union([z.string().regex(/^[\x20-\x7e]+$/, { error: BAD_VALUE }), secretRef()], { error: BAD_VALUE }),
    )
    .prefault({})
    .describe('Headers to send, each a text or where a secret is; X-Scope-OrgID for a gateway that wants one.'),
})
  .transform(({ urls, every, timeout, keys, tls, bearer, headers }, context): SourceConfig => {
    if (bearer !== undefined && 'authorization' in headers)
      context.addIssue({ code: 'custom', path: ['bearer'], message: 'does not go with a header authorization, allowed: one of both' });
    return {
      kind: 'tempo',
      urls: [...new Set(urls)],
      everyMs: every,
      timeoutMs: timeout,
      keys,
      tls,
      bearer: bearer ?? null,
      headers: new Map<string, string | SecretRef>(Object.entries(headers)),
    };
  })
  .describe('A running Tempo.');
