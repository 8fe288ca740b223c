// EndpointSlices of discovery.k8s.io/v1, as the API server sends them in JSON: only what a ring needs, checked.
// https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/
import { z } from 'zod';
import { MAX_TEXT, parseEndpoint, parsePort, type SliceEndpoint, type SlicePort } from './endpoint.ts';
import { SERVICE_LABEL } from './request.ts';

/** One EndpointSlice. */
export interface Slice {
  readonly name: string;
  readonly resourceVersion: string;
  /** Of its endpoints: IPv4, IPv6, FQDN, or what later versions may add. */
  readonly addressType: string;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly SliceEndpoint[];
  /** What in it could not be used, each in one line. */
  readonly problems: readonly string[];
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
  /** Parsed as they are read, which throws Unusable. */
  readonly slices: Iterable<Slice>;
}

/** What came that is of no use, for the end of a sentence: `no JSON`. */
export class Unusable extends Error {}

/** Which Service's slices were asked for; those of another are refused, lest a ring take in a whole namespace. */
export interface Asked {
  readonly namespace: string;
  readonly service: string;
}

/** In one slice; the API server lets through 1000. */
const MAX_ENDPOINTS = 100_000;
/** In one slice; what the API server lets through. */
const MAX_PORTS = 20_000;

const version = z.string().min(1).max(64);
const text = z.string().max(MAX_TEXT);

/** What is in it is looked at one by one: millions of bad items are not to cost as many errors. */
function list(max: number): z.ZodType<readonly unknown[], unknown> {
  return z.custom<readonly unknown[]>((value) => Array.isArray(value) && value.length <= max, { error: `is not a list of up to ${max}` });
}

const sliceSchema = z.object({
  metadata: z.object({
    name: text.min(1),
    namespace: text.nullish(),
    resourceVersion: version,
    labels: z.object({ [SERVICE_LABEL]: z.unknown().optional() }).nullish(),
  }),
  addressType: text,
  endpoints: list(MAX_ENDPOINTS).nullish(),
  ports: list(MAX_PORTS).nullish(),
});

const listSchema = z.object({
  kind: z.literal('EndpointSliceList'),
  metadata: z.object({ resourceVersion: version, continue: z.string().max(65_536).nullish() }),
  items: list(1_000_000).nullish(),
});

const eventSchema = z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']), object: z.unknown() });
const versionedSchema = z.object({ metadata: z.object({ name: text.nullish(), resourceVersion: version }) });
const statusSchema = z.object({ code: z.int(), message: z.string().nullish() });

/** Throws Unusable. */
export function parsePage(json: string, asked: Asked): SlicePage {
  const { metadata, items } = parse(listSchema, parseJson(json), 'an EndpointSliceList');
  return { resourceVersion: metadata.resourceVersion, next: metadata.continue ?? '', slices: parseSlices(items ?? [], asked) };
}

function* parseSlices(items: readonly unknown[], asked: Asked): Generator<Slice> {
  for (const item of items) yield parseSlice(item, asked);
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
  const usable = (endpoints ?? []).flatMap((value, i) => {
    const endpoint = parseEndpoint(value);
    if (typeof endpoint === 'object') return endpoint;
    problems.push(`slice ${name}: endpoint ${i} ${endpoint}`);
    return [];
  });
  return { name, resourceVersion, addressType, ports: (ports ?? []).flatMap(parsePort), endpoints: usable, problems };
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
  const [issue] = result.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  throw new Unusable(`what is not ${kind}: ${where}${issue?.message ?? 'unknown'}`);
}
