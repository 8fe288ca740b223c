// Sections and values that several sources share.
import { z } from 'zod';
import { parseHostPort } from '../../core/index.ts';
import type { ClientTlsConfig, RingKeys, SecretRef } from '../types.ts';
import { section, textValue } from '../values.ts';

export function fileValue(): z.ZodType<string, string> {
  return textValue('a file name', 'the name of a file, relative to this one', (text) => text || undefined);
}

function keyName(): z.ZodType<string, string> {
  return textValue('a key', 'the name of a key, such as collectors/live-store', (text) => text || undefined);
}

/** Keys of a dskit ring; the defaults are Tempo's. */
export function ringKeys(): z.ZodType<RingKeys, unknown> {
  return section({
    instances: keyName().prefault('collectors/live-store').describe('Key of the instance ring.'),
    partitions: keyName()
      .nullable()
      .prefault('collectors/livestore-partitions')
      .describe('Key of the partition ring; null for a ring without partitions.'),
  })
    .prefault({})
    .describe('Keys in the key-value store of the ring.');
}

/** `{ file }` or `{ env }`: secrets do not stand in ringway.yaml itself. One that does all the same is not quoted. */
export function secretRef(): z.ZodType<SecretRef, unknown> {
  const wrong = 'is not where a secret is, allowed: {file: NAME} or {env: NAME}; a secret itself does not belong here';
  const shape = {
    file: fileValue().optional().describe('A file with the secret; white space at its ends does not count.'),
    env: z
      .string()
      .regex(/^[A-Za-z_]\w*$/, { error: 'is not the name of an environment variable, allowed: letters, digits and "_"' })
      .optional()
      .describe('An environment variable with the secret.'),
  };
  const error = ({ code }: z.core.$ZodRawIssue): string | undefined => {
    if (code === 'unrecognized_keys') return Object.keys(shape).join(', ');
    return code === 'invalid_type' ? wrong : undefined;
  };
  return z.strictObject(shape, { error }).transform(({ file, env }, context): SecretRef => {
    if (file !== undefined && env === undefined) return { kind: 'file', file };
    if (env !== undefined && file === undefined) return { kind: 'env', name: env };
    if (context.issues.length === 0) context.addIssue({ code: 'custom', message: wrong });
    return z.NEVER;
  });
}

/** The client's side of TLS; null when it is left out. */
export function clientTls(): z.ZodType<ClientTlsConfig | null, unknown> {
  return section({
    ca: fileValue().optional().describe("PEM file of the authorities to trust; default: the system's."),
    certificate: fileValue().optional().describe('PEM file of our certificate chain, with privateKey.'),
    privateKey: fileValue().optional().describe('PEM file of the key of certificate.'),
    serverName: textValue('a name', 'the name in the certificate of the server', (text) => text || undefined)
      .optional()
      .describe("The name that the server's certificate must have; default: the host that is dialled."),
    insecureSkipVerify: z.boolean().prefault(false).describe("Take any certificate of the server's. For a first try only."),
  })
    .transform(({ ca, certificate, privateKey, serverName, insecureSkipVerify }, context): ClientTlsConfig => {
      if ((certificate === undefined) !== (privateKey === undefined))
        context.addIssue({ code: 'custom', message: 'has one of certificate and privateKey, allowed: both or neither' });
      return {
        ca: ca ?? null,
        certificate: certificate ?? null,
        privateKey: privateKey ?? null,
        serverName: serverName ?? null,
        insecureSkipVerify,
      };
    })
    .optional()
    .transform((tls) => tls ?? null)
    .describe('TLS, as a client.');
}

/** Whether a text is `host:port` that can be dialled. */
export function isHostPort(text: string): boolean {
  try {
    const { host, port } = parseHostPort(text);
    return host !== '' && port !== 0;
  } catch {
    return false;
  }
}

/** 1 to 65535. */
export const portNumber: z.ZodType<number, number> = z
  .int({ error: 'is not a port, allowed: 1 to 65535' })
  .min(1, { error: 'is not a port, allowed: 1 to 65535' })
  .max(65535, { error: 'is not a port, allowed: 1 to 65535' });
