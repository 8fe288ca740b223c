import { isIP } from 'node:net';
import { z } from 'zod';
import { parseHostPort } from '../../core/index.ts';
import type { SourceConfig } from '../types.ts';
import { durationValue, section, textValue } from '../values.ts';
import { isHostPort, portNumber } from './values.ts';

/** Labels of up to 63 characters, 253 in all; the last has a letter, or it would be an address. */
function isDnsName(text: string): boolean {
  return text.length <= 253 && /^([A-Za-z0-9_-]{1,63}\.)*(?!\d+\.?$)[A-Za-z0-9_-]{1,63}\.?$/.test(text);
}

function isServer(text: string): boolean {
  return isHostPort(text) && isIP(parseHostPort(text).host) !== 0;
}

export const dnsSource: z.ZodType<SourceConfig, unknown> = section({
  name: textValue('a DNS name', 'a name such as live-store.tempo.svc.cluster.local', (text) =>
    isDnsName(text) ? text : undefined,
  ).describe(
    "The name to look up. With a dot at its end it is whole; without, the system's search domains count too, unless servers are given.",
  ),
  records: z
    .enum(['A', 'AAAA', 'A+AAAA', 'SRV'])
    .prefault('A')
    .describe('Which records. With A and AAAA each address is a member; with SRV each target is, named after its first label.'),
  port: portNumber.optional().describe("The members' port; needed but with SRV, which says it."),
  servers: z
    .array(textValue('a DNS server', 'ip:port, such as 10.0.0.10:53 or [fd00::a]:53', (text) => (isServer(text) ? text : undefined)))
    .prefault([])
    .describe("DNS servers, asked in this order; default: the system's (/etc/resolv.conf)."),
  minTtl: durationValue(100, 3_600_000)
    .prefault('1s')
    .describe('An answer is asked for again when its TTL is over (and up to a tenth later), but not before this.'),
  maxTtl: durationValue(100, 86_400_000).prefault('30s').describe('An answer is asked for again after this, however long its TTL.'),
  timeout: durationValue(10, 60_000).prefault('2s').describe('How long one answer may take; each server is asked twice.'),
  zone: z.string().prefault('').describe('The zone of every member.'),
})
  .transform(({ name, records, port, servers, minTtl, maxTtl, timeout, zone }, context): SourceConfig => {
    if ((port === undefined) !== (records === 'SRV'))
      context.addIssue({
        code: 'custom',
        path: ['port'],
        message: records === 'SRV' ? 'does not go with SRV, allowed: left out' : 'missing, allowed: 1 to 65535',
      });
    if (minTtl > maxTtl) context.addIssue({ code: 'custom', path: ['minTtl'], message: 'is longer than maxTtl, allowed: up to it' });
    return {
      kind: 'dns',
      dnsName: name,
      records,
      port: port ?? null,
      servers: [...new Set(servers)],
      minTtlMs: minTtl,
      maxTtlMs: maxTtl,
      timeoutMs: timeout,
      zone,
    };
  })
  .describe('A name in DNS. Only SRV targets named as in Tempo (live-store-zone-a-0) have partitions.');
