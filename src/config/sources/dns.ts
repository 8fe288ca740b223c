import { z } from 'zod';
import type { SourceConfig } from '../types.ts';
import { durationValue, section, textValue } from '../values.ts';
import { isHostPort, portNumber } from './values.ts';

export const dnsSource: z.ZodType<SourceConfig, unknown> = section({
  name: textValue('a name', 'a DNS name', (text) =>
    /^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?$/.test(text) ? text : undefined,
  ).describe('The name to look up.'),
  records: z.enum(['A', 'AAAA', 'A+AAAA', 'SRV']).prefault('A').describe('Which records.'),
  port: portNumber.optional().describe("The members' port; needed but with SRV, which says it."),
  servers: z
    .array(textValue('a DNS server', 'ip:port', (text) => (isHostPort(text) ? text : undefined)))
    .prefault([])
    .describe("DNS servers; default: the system's."),
  minTtl: durationValue(100, 3_600_000).prefault('1s').describe('Answers are kept at least this long, whatever their TTL.'),
  maxTtl: durationValue(100, 86_400_000).prefault('30s').describe('Answers are kept no longer than this, whatever their TTL.'),
  timeout: durationValue(10, 60_000).prefault('2s').describe('How long one answer may take.'),
  zone: z.string().prefault('').describe('The zone of every member.'),
})
  .transform(({ name, records, port, servers, minTtl, maxTtl, timeout, zone }, context): SourceConfig => {
    if ((port === undefined) !== (records === 'SRV'))
      context.addIssue({
        code: 'custom',
        path: ['port'],
        message: records === 'SRV' ? 'does not go with SRV, allowed: left out' : 'missing, allowed: 1 to 65535',
      });
    if (minTtl > maxTtl) context.addIssue({ code: 'custom', path: ['minTtl'], message: 'is longer than maxTtl' });
    return { kind: 'dns', name, records, port: port ?? null, servers, minTtlMs: minTtl, maxTtlMs: maxTtl, timeoutMs: timeout, zone };
  })
  .describe('A name in DNS. Members have the addresses as ids; there are no partitions but with SRV targets named as in Tempo.');
