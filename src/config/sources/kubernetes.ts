import { z } from 'zod';
import type { SourceConfig } from '../types.ts';
import { baseUrlValue, section, textValue } from '../values.ts';
import { fileValue, portNumber } from './values.ts';

export const kubernetesSource: z.ZodType<SourceConfig, unknown> = section({
  service: textValue('a Service', 'the name of a Service', (text) =>
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text) ? text : undefined,
  ).describe('The (headless) Service of the live-stores.'),
  namespace: textValue('a namespace', 'the name of a namespace', (text) =>
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text) ? text : undefined,
  )
    .optional()
    .describe("Its namespace; default: the service account's."),
  port: z
    .union([portNumber, textValue('a port', '1 to 65535, or the name of a port of the Service', (text) => text || undefined)])
    .describe(
      "The port that members answer on, a number or the name of a port of the Service: the sidecar's, as in live_store.ring.instance_port.",
    ),
  server: baseUrlValue().optional().describe('The API server; default: as pods are told it.'),
  tokenFile: fileValue().optional().describe("A bearer token; default: the service account's."),
  caFile: fileValue().optional().describe("PEM of the API server's authority; default: the service account's."),
  partitionFromName: z
    .boolean()
    .prefault(true)
    .describe("Whether the number after the last dash of a pod's name is its partition, as in Tempo."),
  family: z.enum(['IPv4', 'IPv6']).prefault('IPv4').describe('Which address of a member with both is advertised.'),
})
  .transform(
    ({ service, namespace, port, server, tokenFile, caFile, partitionFromName, family }): SourceConfig => ({
      kind: 'kubernetes',
      service,
      namespace: namespace ?? null,
      port,
      server: server ?? null,
      tokenFile: tokenFile ?? null,
      caFile: caFile ?? null,
      partitionFromName,
      family,
    }),
  )
  .describe('The EndpointSlices of a Kubernetes Service.');
