import { KeyValue } from '../../gen/opentelemetry/proto/common/v1/common.ts';
import { Resource } from '../../gen/opentelemetry/proto/resource/v1/resource.ts';
import { ResourceSpans, ScopeSpans, Span } from '../../gen/opentelemetry/proto/trace/v1/trace.ts';
import {
  QueryRangeRequest,
  QueryRangeResponse,
  SearchRequest,
  SearchResponse,
  SearchTagsResponse,
  SearchTagsV2Response,
  SearchTagsV2Scope,
  SearchTagValuesRequest,
  SearchTagValuesResponse,
  SearchTagValuesV2Response,
  TagValue,
  TimeSeries,
  Trace,
  TraceByIDMetrics,
  TraceByIDRequest,
  TraceByIDResponse,
  TraceSearchMetadata,
} from '../../gen/tempopb/tempo.ts';
import { GrpcStatus } from '../../grpc/index.ts';
import { GrpcFailure, type UnaryHandler } from '../grpc/index.ts';
import { create, encode } from '../messages.ts';
import { type Holding, holds, listedTraces, type SampleTrace, sampleTrace, serviceNames, spanCounts } from '../sample-data.ts';

const MAX_STEPS = 11_000;
const TAGS = { resource: ['service.name'], span: ['name'] } as const;

/** What Tempo's querier calls on a live-store, by full path, over what one live-store holds. */
export function sampleMethods(holding: Holding): ReadonlyMap<string, UnaryHandler> {
  const listed = listedTraces(holding);
  const services = serviceNames(holding);
  const counts = spanCounts(holding);
  return new Map<string, UnaryHandler>([
    ['/tempopb.Querier/FindTraceByID', ({ message }) => findTrace(holding, TraceByIDRequest.decode(message))],
    ['/tempopb.Querier/SearchRecent', ({ message }) => searchRecent(listed, SearchRequest.decode(message))],
    ['/tempopb.Querier/SearchTags', () => encode(SearchTagsResponse, { tagNames: [...TAGS.resource, ...TAGS.span] })],
    ['/tempopb.Querier/SearchTagsV2', () => encode(SearchTagsV2Response, { scopes: tagScopes() })],
    ['/tempopb.Querier/SearchTagValues', ({ message }) => encode(SearchTagValuesResponse, { tagValues: valuesOf(message, services) })],
    [
      '/tempopb.Querier/SearchTagValuesV2',
      ({ message }) =>
        encode(SearchTagValuesV2Response, {
          tagValues: valuesOf(message, services).map((value) => create(TagValue, { type: 'string', value })),
        }),
    ],
    ['/tempopb.Metrics/QueryRange', ({ message }) => queryRange(counts, QueryRangeRequest.decode(message))],
  ]);
}

/** A trace that is not here is an empty answer, as in Tempo. */
function findTrace(holding: Holding, request: TraceByIDRequest): Uint8Array {
  if (!holds(holding, request.traceId)) return encode(TraceByIDResponse, { metrics: create(TraceByIDMetrics, {}) });
  const trace = sampleTrace(Buffer.from(request.traceId));
  const spans = trace.spans.map((span) =>
    create(Span, {
      traceId: trace.id,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId,
      name: span.name,
      startTimeUnixNano: span.startUnixNano,
      endTimeUnixNano: span.endUnixNano,
    }),
  );
  const resource = create(Resource, { attributes: [stringAttribute('service.name', trace.service)] });
  const resourceSpans = [create(ResourceSpans, { resource, scopeSpans: [create(ScopeSpans, { spans })] })];
  return encode(TraceByIDResponse, { trace: create(Trace, { resourceSpans }), metrics: create(TraceByIDMetrics, {}) });
}

function searchRecent(listed: readonly SampleTrace[], request: SearchRequest): Uint8Array {
  const service = request.tags.get('service.name');
  const found = service === undefined ? listed : listed.filter((trace) => trace.service === service);
  const traces = found.slice(0, request.limit || 20).map((trace) => {
    const root = trace.spans[0] as SampleTrace['spans'][number];
    return create(TraceSearchMetadata, {
      traceId: trace.id.toString('hex'),
      rootServiceName: trace.service,
      rootTraceName: root.name,
      startTimeUnixNano: root.startUnixNano,
      durationMs: Number((root.endUnixNano - root.startUnixNano) / 1_000_000n),
    });
  });
  return encode(SearchResponse, { traces });
}

function tagScopes(): SearchTagsV2Scope[] {
  return Object.entries(TAGS).map(([name, tags]) => create(SearchTagsV2Scope, { name, tags: [...tags] }));
}

function valuesOf(message: Uint8Array, services: readonly string[]): string[] {
  const tag = SearchTagValuesRequest.decode(message).tagName;
  return tag === 'service.name' || tag === 'resource.service.name' ? [...services] : [];
}

/** One series a service: the number of its spans, the same at every step. */
function queryRange(counts: ReadonlyMap<string, number>, request: QueryRangeRequest): Uint8Array {
  if (request.step <= 0n || request.end < request.start || (request.end - request.start) / request.step > MAX_STEPS)
    throw new GrpcFailure(GrpcStatus.UNKNOWN, 'step must be positive, start before end, and at most 11000 steps between them');
  const timestamps: bigint[] = [];
  for (let at = request.start; at <= request.end; at += request.step) timestamps.push(at / 1_000_000n);
  const series = [...counts].map(([service, value]) =>
    create(TimeSeries, {
      labels: [stringAttribute('resource.service.name', service)],
      samples: timestamps.map((timestampMs) => ({ value, timestampMs })),
    }),
  );
  return encode(QueryRangeResponse, { series });
}

function stringAttribute(key: string, value: string): KeyValue {
  return create(KeyValue, { key, value: { value: { $case: 'stringValue', value } } });
}
