import { z } from 'zod';
import type { SourceConfig } from '../types.ts';
import { baseUrlValue, durationValue, section } from '../values.ts';
import { clientTls, ringKeys, secretRef } from './values.ts';

export const consulSource: z.ZodType<SourceConfig, unknown> = section({
  url: baseUrlValue().describe('The agent or server.'),
  keys: ringKeys(),
  timeout: durationValue(10, 60_000).prefault('5s').describe('How long an answer may take, beyond the wait.'),
  wait: durationValue(1000, 600_000).prefault('10s').describe('How long a blocking query waits for a change.'),
  datacenter: z.string().prefault('').describe("The datacenter; default: the agent's."),
  token: secretRef().optional().describe('An ACL token with key:read.'),
  tls: clientTls(),
})
  .transform(
    ({ url, keys, timeout, wait, datacenter, token, tls }): SourceConfig => ({
      kind: 'consul',
      url,
      keys,
      timeoutMs: timeout,
      waitMs: wait,
      datacenter,
      token: token ?? null,
      tls,
    }),
  )
  .describe("Tempo's rings in Consul (kvstore.store: consul).");
