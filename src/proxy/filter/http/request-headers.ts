import { field } from '../../../http2/index.ts';
import type { Field, HeaderBlock } from '../../../http2/types.ts';
import { mutateHeaders } from '../../route/index.ts';
import type { ForwardAction, Route } from '../../route/types.ts';
import type { RequestFacts } from './request-facts.ts';
import type { HttpSettings } from './settings.ts';

/** Headers by which Envoy lets callers steer it. Nobody is internal here, so nobody may (ConnectionManagerUtility, cleanInternalHeaders). */
const CONTROL_HEADERS: ReadonlySet<string> = new Set([
  'x-envoy-internal',
  'x-envoy-retriable-status-codes',
  'x-envoy-retriable-header-names',
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-max-retries',
  'x-envoy-upstream-alt-stat-name',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-force-trace',
  'x-envoy-ip-tags',
  'x-envoy-original-url',
  'x-envoy-hedge-on-per-try-timeout',
]);

/** Headers only an edge takes away from callers as well (use_remote_address). */
const EDGE_HEADERS: ReadonlySet<string> = new Set([
  'x-envoy-decorator-operation',
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
  'x-envoy-external-address',
]);

const HTTP: Field = field('x-forwarded-proto', 'http');
const TE: Field = field('te', 'trailers');

/**
 * What the connection manager makes of a caller's headers before any route: control headers gone, x-forwarded-*, x-request-id and te
 * set. Fields that stay are the objects that came, with their bytes.
 */
export function managedHeaders(
  headers: HeaderBlock,
  facts: RequestFacts,
  settings: HttpSettings,
  peer: string,
  createId: () => string,
): HeaderBlock {
  const kept: Field[] = [];
  const isEdge = settings.useRemoteAddress;
  const replacesId = isEdge && !settings.requestId.preserveExternal && settings.requestId.generate;
  for (const one of headers) {
    const { name } = one;
    if (name.startsWith('x-')) {
      if (CONTROL_HEADERS.has(name) || (isEdge && EDGE_HEADERS.has(name))) continue;
      if ((replacesId && name === 'x-request-id') || (isEdge && name === 'x-forwarded-proto')) continue;
      if (isEdge && settings.appendForwardedFor && name === 'x-forwarded-for') continue;
    }
    kept.push(one);
  }
  if (isEdge || !facts.hasForwardedProto) kept.push(HTTP);
  if (settings.requestId.generate && (replacesId || !facts.hasRequestId)) kept.push(field('x-request-id', createId()));
  if (facts.isGrpc && !facts.hasTe) kept.push(TE);
  if (isEdge) addPeer(kept, headers, settings, peer);
  return kept;
}

/** The headers as the route's upstream gets them. */
export function routedHeaders(headers: HeaderBlock, route: Route, action: ForwardAction): HeaderBlock {
  const rewritten = action.authority || action.prefixRewrite ? rewrite(headers, action) : headers;
  return mutateHeaders(rewritten, route.requestHeaders);
}

function addPeer(kept: Field[], headers: HeaderBlock, settings: HttpSettings, peer: string): void {
  if (settings.appendForwardedFor) {
    const before = headers.filter(({ name }) => name === 'x-forwarded-for').map(({ value }) => value);
    kept.push(field('x-forwarded-for', [...before, peer].join(',')));
  }
  kept.push(field('x-envoy-external-address', peer));
}

function rewrite(headers: HeaderBlock, { authority, prefixRewrite }: ForwardAction): HeaderBlock {
  const result: Field[] = [];
  let original: Field | undefined;
  for (const one of headers) {
    if (one.name === ':authority' && authority) result.push(authority);
    else if (one.name === ':path' && prefixRewrite) {
      original = one;
      result.push(field(':path', prefixRewrite.replacement + one.value.slice(prefixRewrite.length)));
    } else if (!(prefixRewrite && one.name === 'x-envoy-original-path')) result.push(one);
  }
  if (original) result.push(field('x-envoy-original-path', original.value));
  return result;
}
