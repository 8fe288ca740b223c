// ringway.yaml: every key, its meaning and its default; those of the sources stand in sources/.
import { z } from 'zod';
import { formatHostPort, isLoopback } from '../core/index.ts';
import { source } from './sources/index.ts';
import type { ListenConfig, RingConfig, RingwayConfig } from './types.ts';
import { addressPatternValue, durationValue, listenValue, section, show, textValue } from './values.ts';

const ring = section({
  sources: z
    .array(source)
    .min(1, { error: 'is empty, allowed: one or more sources' })
    .describe('Who says who is in the ring. Merged; the first has precedence.'),
  allowedAddresses: z
    .array(addressPatternValue())
    .optional()
    .describe(
      'What members may advertise: CIDRs, addresses, DNS names, *.suffix. Without it everything but loopback, link-local and metadata addresses. ' +
        'With it only what is listed; those special addresses only by an entry that lies within their range. Names pass unless the list has a name.',
    ),
  heartbeatTimeout: durationValue(1000, 86_400_000)
    .prefault('1m')
    .describe("A heartbeat older than this is no sign of life: Tempo's heartbeat_timeout."),
  staleAfter: durationValue(0, 604_800_000)
    .prefault('10m')
    .describe(
      'How long the last report of a failing source is used. After a start there is none: a ring with several sources is served once all have been read, or once those that fail have done so for this long; for 30s, those below one that has read the ring itself (tempo, gossip, etcd, consul).',
    ),
  allowEmpty: z
    .boolean()
    .prefault(false)
    .describe(
      'Whether the ring is believed to be empty when every source says so. Else it keeps its last members, and control that has just started serves it once it has some.',
    ),
}).transform(
  ({ sources, allowedAddresses, heartbeatTimeout, staleAfter, allowEmpty }): RingConfig => ({
    sources,
    allowedAddresses: allowedAddresses ?? null,
    heartbeatTimeoutMs: heartbeatTimeout,
    staleAfterMs: staleAfter,
    allowEmpty,
  }),
);

function listen(address: string, what: string): z.ZodType<ListenConfig, { listen?: string | undefined; insecure?: boolean | undefined }> {
  return section({
    listen: listenValue().prefault(address).describe(`Where the ${what} listens.`),
    insecure: z.boolean().prefault(false).describe('Accept that others than this machine may connect without TLS.'),
  }).transform((config, context): ListenConfig => {
    if (config.insecure || isLoopback(config.listen.host)) return config;
    const at = show(formatHostPort(config.listen));
    const message = `${at} is open to other machines and has no TLS, allowed: a loopback address such as ${show(address)}, or insecure: true beside it`;
    context.addIssue({ code: 'custom', message, path: ['listen'] });
    return z.NEVER;
  });
}

const ringName = textValue('a ring name', 'up to 128 letters, digits, ".", "_" and "-", the first a letter or digit', (text) =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(text) ? text : undefined,
);

const wholeFile = section({
  rings: z
    .record(ringName, ring)
    .prefault({})
    .transform((rings) => new Map(Object.entries(rings)))
    .describe('The rings to read, by name.'),
  control: section({ xds: listen('127.0.0.1:18000', 'xDS server').prefault({}).describe('The xDS server.') })
    .prefault({})
    .describe('ringway control.'),
  admin: listen('127.0.0.1:9902', 'admin server').prefault({}).describe('Pages and JSON for people: /api, /metrics, /ready.'),
  telemetry: section({
    logLevel: z
      .enum(['debug', 'info', 'warn', 'error', 'silent'])
      .prefault('info')
      .describe('The least important log line that is written.'),
  })
    .prefault({})
    .describe('Logs.'),
});

/** The schema of ringway.yaml. An empty file is all defaults; names of files are left as they stand in it. */
export const configSchema: z.ZodType<RingwayConfig> = z.preprocess((value) => value ?? {}, wholeFile);
