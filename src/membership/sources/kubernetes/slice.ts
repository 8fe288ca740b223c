// EndpointSlices of discovery.k8s.io/v1, as the API server sends them in JSON: only what a ring needs, checked.
// https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/
import { z } from 'zod';
import { SERVICE_LABEL } from './request.ts';

/** One EndpointSlice. */
export interface Slice {
  readonly name: string;
  readonly resourceVersion: string;
  /** Another type than these three has no endpoints here. */
  readonly addressType: string;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly SliceEndpoint[];
  /** What in it could not be used, each in one line. */
  readonly problems: readonly string[];
}

export interface SlicePort {
  readonly name: string;
  /** null: any. */
  readonly port: number | null;
}

export interface SliceEndpoint {
  /** The first one: no meaning is defined for others. */
  readonly address: string;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** '' when it has none. */
  readonly hostname: string;
  /** null when it is not a pod. */
  readonly pod: { readonly name: string; readonly uid: string } | null;
  /** Where it runs; '' when that is not known. */
  readonly zone: string;
}

/** One thing that a watch says. */
export type SliceEvent =
  | { readonly kind: 'put'; readonly slice: Slice }
  | { readonly kind: 'deleted'; readonly name: string; readonly resourceVersion: string }
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  | { readonly kind: 'error'; readonly code: number; readonly message: string };

/** One page of a list. */
export interface SlicePage {
  readonly resourceVersion: string;
  /** Asks for the next page; '' on the last. */
  readonly next: string;
  readonly slices: readonly Slice[];
}

/** What came that is of no use, for the end of a sentence: `no JSON`. Never a text of the server's that is longer than a name. */
export class Unusable extends Error {}

const text = z.string().max(253);
const version = z.string().min(1).max(64);

const endpointSchema = z
  .object({
    addresses: z.array(text.min(1)).min(1),
    conditions: z.object({ ready: z.boolean().nullish(), serving: z.boolean().nullish(), terminating: z.boolean().nullish() }).nullish(),
    hostname: text.nullish(),
    targetRef: z.object({ kind: text.nullish(), name: text.nullish(), uid: text.nullish() }).nullish(),
    zone: text.nullish(),
    hints: z.object({ forZones: z.array(z.object({ name: text })).nullish() }).nullish(),
  })
  .transform(({ addresses, conditions, hostname, targetRef, zone, hints }): SliceEndpoint => {
    const hinted = hints?.forZones ?? [];
    return {
      address: addresses[0] ?? '',
      // `ready` says nothing when it is true (publishNotReadyAddresses), and is the older way to say false
      serving: conditions?.serving ?? conditions?.ready ?? true,
      terminating: conditions?.terminating ?? false,
      hostname: hostname ?? '',
      pod: targetRef?.kind === 'Pod' && targetRef.name ? { name: targetRef.name, uid: targetRef.uid ?? '' } : null,
      zone: zone || (hinted.length === 1 ? (hinted[0]?.name ?? '') : ''),
    };
  });

const portSchema = z
  .object({ name: text.nullish(), port: z.int().min(0).max(65_535).nullish(), protocol: text.nullish() })
  .transform(({ name, port, protocol }) => ({ name: name ?? '', port: port ?? null, protocol: protocol ?? 'TCP' }));

const sliceSchema = z.object({
  metadata: z.object({
    name: text.min(1),
    namespace: text.nullish(),
    resourceVersion: version,
    labels: z.record(z.string(), z.unknown()).nullish(),
  }),
  addressType: z.string().max(64),
  endpoints: z.array(z.unknown()).nullish(),
  ports: z.array(portSchema).nullish(),
});

const listSchema = z.object({
  kind: z.literal('EndpointSliceList'),
  metadata: z.object({ resourceVersion: version, continue: z.string().max(65_536).nullish() }),
  items: z.array(z.unknown()).nullish(),
});

const eventSchema = z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']), object: z.unknown() });
const versionedSchema = z.object({ metadata: z.object({ name: text.nullish(), resourceVersion: version }) });
const statusSchema = z.object({ code: z.int(), message: z.string().nullish() });

/** Which Service's slices were asked for; those of another are refused, lest a ring take in a whole namespace. */
export interface Asked {
  readonly namespace: string;
  readonly service: string;
}

/** Throws Unusable. */
export function parsePage(json: string, asked: Asked): SlicePage {
  const { metadata, items } = parse(listSchema, parseJson(json), 'an EndpointSliceList');
  return {
    resourceVersion: metadata.resourceVersion,
    next: metadata.continue ?? '',
    slices: (items ?? []).map((item) => parseSlice(item, asked)),
  };
}

/** One line of a watch. Throws Unusable. */
export function parseEvent(json: string, asked: Asked): SliceEvent {
  const { type, object } = parse(eventSchema, parseJson(json), 'a watch event');
  if (type === 'ERROR') {
    const { code, message } = parse(statusSchema, object, 'a Status');
    return { kind: 'error', code, message: message ?? '' };
  }
  if (type === 'ADDED' || type === 'MODIFIED') return { kind: 'put', slice: parseSlice(object, asked) };
  const { name, resourceVersion } = parse(versionedSchema, object, 'an EndpointSlice').metadata;
  if (type === 'BOOKMARK') return { kind: 'bookmark', resourceVersion };
  if (!name) throw new Unusable('an EndpointSlice without a name');
  return { kind: 'deleted', name, resourceVersion };
}

function parseSlice(value: unknown, { namespace, service }: Asked): Slice {
  const { metadata, addressType, endpoints, ports } = parse(sliceSchema, value, 'an EndpointSlice');
  const { name, resourceVersion } = metadata;
  if (metadata.labels?.[SERVICE_LABEL] !== service || (metadata.namespace ?? namespace) !== namespace)
    throw new Unusable(`EndpointSlice ${name}, which is not of that Service`);
  const problems: string[] = [];
  const usable = (endpoints ?? []).flatMap((endpoint, i) => {
    const result = endpointSchema.safeParse(endpoint);
    if (result.success) return result.data;
    problems.push(`slice ${name}: endpoints.${i}${explain(result.error)}`);
    return [];
  });
  return {
    name,
    resourceVersion,
    addressType,
    ports: (ports ?? []).filter(({ protocol }) => protocol === 'TCP'),
    endpoints: usable,
    problems,
  };
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new Unusable('no JSON'); // the parser quotes what it read, line ends and all
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown, kind: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Unusable(`what is not ${kind}: ${explain(result.error).replace(/^[.:] ?/, '')}`);
}

/** `.addresses: Invalid input: …`: the first thing that is wrong, and where. */
function explain({ issues: [issue] }: z.ZodError): string {
  const path = issue?.path.map((part) => `.${String(part)}`).join('') ?? '';
  return `${path.slice(0, 100)}: ${issue?.message ?? 'unknown'}`;
}
