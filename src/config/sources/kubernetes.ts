import { z } from 'zod';
import type { SourceConfig } from '../types.ts';
import { baseUrlValue, section, show, textValue } from '../values.ts';
import { fileValue, portNumber } from './values.ts';

/** RFC 1123 label: Kubernetes names Services, namespaces and ports so; a port has a letter in its name. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

function labelValue(kind: string, allowed: string): z.ZodType<string, string> {
  return textValue(kind, allowed, (text) => (LABEL.test(text) ? text : undefined));
}

const badPort = (given: unknown): string =>
  `${given === undefined ? 'missing' : `${show(given)} is not a port`}, allowed: 1 to 65535, or the name of a port of the Service`;

const port: z.ZodType<number | string, unknown> = z
  .union([z.number(), z.string()], { error: ({ input }) => badPort(input) })
  .transform((given, context): number | string => {
    const isPort = typeof given === 'number' ? portNumber.safeParse(given).success : LABEL.test(given) && /[a-z]/.test(given);
    if (!isPort) context.addIssue({ code: 'custom', message: badPort(given) });
    return given;
  });

export const kubernetesSource: z.ZodType<SourceConfig, unknown> = section({
  service: labelValue('a Service', 'the name of a Service').describe('The (headless) Service of the live-stores.'),
  namespace: labelValue('a namespace', 'the name of a namespace').optional().describe("Its namespace; default: the service account's."),
  port: port.describe(
    "The port that members answer on, a number or the name of a port of the Service: the sidecar's, as in live_store.ring.instance_port.",
  ),
  server: baseUrlValue()
    .optional()
    .describe(
      "The API server; default: as pods are told it. One that is named here gets no token and trusts the system's authorities, unless told.",
    ),
  tokenFile: fileValue().optional().describe("A bearer token; default: the service account's, unless server is set."),
  caFile: fileValue().optional().describe("PEM of the API server's authority; default: the service account's, unless server is set."),
  partitionFromName: z
    .boolean()
    .prefault(true)
    .describe("Whether the number after the last dash of a pod's name is its partition, as in Tempo."),
  family: z.enum(['IPv4', 'IPv6']).prefault('IPv4').describe('Which address of a member with both is advertised.'),
})
  .transform(({ service, namespace, port, server, tokenFile, caFile, partitionFromName, family }, context): SourceConfig => {
    if (server?.startsWith('http:') && tokenFile !== undefined)
      context.addIssue({ code: 'custom', path: ['tokenFile'], message: 'does not go with an http: server, allowed: https:, or no token' });
    return {
      kind: 'kubernetes',
      service,
      namespace: namespace ?? null,
      port,
      server: server ?? null,
      tokenFile: tokenFile ?? null,
      caFile: caFile ?? null,
      partitionFromName,
      family,
    };
  })
  .describe('The EndpointSlices of a Kubernetes Service.');
