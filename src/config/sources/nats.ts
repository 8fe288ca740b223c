import { z } from 'zod';
import { isLoopback, urlHost } from '../../core/index.ts';
import type { NatsConnectionConfig, NatsLogin, SourceConfig } from '../types.ts';
import { durationValue, section, show, textValue } from '../values.ts';
import { clientTls, fileValue, secretRef } from './values.ts';

const natsUrl = textValue('a NATS server', 'nats://host:port or tls://host:port, without credentials', (text) => {
  const url = URL.parse(text);
  if (url === null || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '') return undefined;
  return url.username === '' && url.password === '' && ['', '/'].includes(url.pathname) && url.search === '' ? text : undefined;
});

const natsLogin = section({
  credentials: fileValue().optional().describe('A .creds file.'),
  nkey: fileValue().optional().describe('A file with an NKey seed.'),
  user: z.string().min(1).optional().describe('With password.'),
  password: secretRef().optional().describe('With user.'),
  token: secretRef().optional().describe('A token.'),
})
  .transform(({ credentials, nkey, user, password, token }, context): NatsLogin => {
    const ways: NatsLogin[] = [
      ...(credentials === undefined ? [] : [{ kind: 'credentials', file: credentials } as const]),
      ...(nkey === undefined ? [] : [{ kind: 'nkey', file: nkey } as const]),
      ...(user === undefined || password === undefined ? [] : [{ kind: 'password', user, password } as const]),
      ...(token === undefined ? [] : [{ kind: 'token', token } as const]),
    ];
    const [only, ...more] = ways;
    if (only !== undefined && more.length === 0 && (user === undefined) === (password === undefined)) return only;
    if (context.issues.length === 0)
      context.addIssue({
        code: 'custom',
        message: 'is not one way to log in, allowed: one of credentials, nkey, user and password, token',
      });
    return z.NEVER;
  })
  .optional()
  .transform((login) => login ?? null)
  .describe('How to log in; left out: without.');

/** The first server that is asked in plain and is not on this machine. */
export function exposedServer({ servers, tls }: Pick<NatsConnectionConfig, 'servers' | 'tls'>): string | undefined {
  if (tls !== null) return undefined;
  return servers.find((server) => {
    const url = new URL(server);
    return url.protocol === 'nats:' && !isLoopback(urlHost(url));
  });
}

export const natsSource: z.ZodType<SourceConfig, unknown> = section({
  servers: z
    .array(natsUrl)
    .min(1, { error: 'is empty, allowed: one or more servers' })
    .describe('Servers to begin with; others of their cluster are found.'),
  login: natsLogin,
  tls: clientTls(),
  insecure: z.boolean().prefault(false).describe('Accept that members are read from another machine without TLS.'),
  bucket: textValue('a bucket', 'letters, digits, "_" and "-"', (text) => (/^[A-Za-z0-9_-]{1,128}$/.test(text) ? text : undefined))
    .prefault('ringway')
    .describe('The JetStream key-value bucket; created when it is not there and the login may do so.'),
  replicas: z.literal([1, 3, 5]).prefault(1).describe('Copies of the bucket in a cluster of NATS servers, when it is created.'),
  forgetAfter: durationValue(1000, 86_400_000)
    .prefault('2m')
    .describe('A member without a heartbeat for this long is removed from the bucket.'),
})
  .transform(({ servers, login, tls, insecure, bucket, replicas, forgetAfter }, context): SourceConfig => {
    const exposed = exposedServer({ servers, tls });
    if (exposed !== undefined && !insecure)
      context.addIssue({
        code: 'custom',
        path: ['servers'],
        message: `${show(exposed)} is on another machine and without TLS, allowed: tls://, tls beside it, a loopback address, or insecure: true beside it`,
      });
    return {
      kind: 'nats',
      servers: [...new Set(servers)],
      login,
      tls,
      bucket,
      replicas,
      forgetAfterMs: forgetAfter,
    };
  })
  .describe('Members that announce themselves over NATS (ringway sidecar inbound --nats).');
