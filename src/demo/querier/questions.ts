import {
  QueryRangeRequest,
  QueryRangeResponse,
  SearchRequest,
  SearchResponse,
  SearchTagsRequest,
  SearchTagsResponse,
  SearchTagsV2Response,
  SearchTagValuesRequest,
  SearchTagValuesV2Response,
  TraceByIDRequest,
  TraceByIDResponse,
} from '../../gen/tempopb/tempo.ts';
import { encode } from '../messages.ts';
import { type Holding, LISTED_TRACES, sampleTrace, serviceNames, spanCounts, traceIdsOf } from '../sample-data.ts';

/** One thing to ask all owners of one zone, and whether what they said together is right. */
export interface Question {
  readonly path: string;
  readonly message: Uint8Array;
  /** What is wrong with the owners' answers, taken together; '' when they are exactly right. */
  check(answers: readonly Uint8Array[]): string;
}

export interface Topic {
  readonly partition: number;
  readonly partitions: number;
}

/** The question number `n` about a partition: the methods in turn, another trace each time. */
export function question(topic: Topic, n: number): Question {
  const ask = QUESTIONS[n % QUESTIONS.length] as (typeof QUESTIONS)[number];
  return ask(topic, n);
}

/** FindTraceByID of the `n`th listed trace: the whole trace must come back, from whichever owner has it. */
export function askTrace(topic: Topic, n: number): Question {
  const id = traceIdsOf(topic.partition, topic.partitions, LISTED_TRACES)[n % LISTED_TRACES] as Buffer;
  const expected = sampleTrace(id);
  return {
    path: '/tempopb.Querier/FindTraceByID',
    message: encode(TraceByIDRequest, { traceId: id }),
    check(answers) {
      const spans = answers.flatMap((answer) =>
        (TraceByIDResponse.decode(answer).trace?.resourceSpans ?? []).flatMap((resource) =>
          resource.scopeSpans.flatMap((scope) => scope.spans),
        ),
      );
      const said = spans.map((span) => Buffer.from(span.spanId).toString('hex'));
      const wanted = expected.spans.map((span) => span.spanId.toString('hex'));
      return differences('spans', said, wanted);
    },
  };
}

/** SearchRecent without a filter: every listed trace exactly once. */
export function askSearch(topic: Topic): Question {
  const wanted = traceIdsOf(topic.partition, topic.partitions, LISTED_TRACES).map((id) => id.toString('hex'));
  return {
    path: '/tempopb.Querier/SearchRecent',
    message: encode(SearchRequest, { limit: LISTED_TRACES, query: '{}' }),
    check: (answers) =>
      differences(
        'traces',
        answers.flatMap((answer) => SearchResponse.decode(answer).traces.map((trace) => trace.traceId)),
        wanted,
      ),
  };
}

/** QueryRange: the sum over the owners of one zone is exactly the number of spans of the partition. */
export function askRange(topic: Topic): Question {
  const wanted = spanCounts(whole(topic));
  return {
    path: '/tempopb.Metrics/QueryRange',
    message: encode(QueryRangeRequest, {
      query: '{} | count_over_time() by (resource.service.name)',
      start: 1_700_000_000_000_000_000n,
      end: 1_700_000_060_000_000_000n,
      step: 30_000_000_000n,
    }),
    check(answers) {
      const totals = rangeTotals(answers);
      return differences(
        'totals',
        totals,
        [...wanted].map(([service, count]) => `${service}=${count},${count},${count}`),
      );
    },
  };
}

/** Series of several answers added up, as `service=sample,sample,…`. */
function rangeTotals(answers: readonly Uint8Array[]): string[] {
  const totals = new Map<string, number[]>();
  for (const series of answers.flatMap((answer) => QueryRangeResponse.decode(answer).series)) {
    const label = series.labels[0]?.value?.value;
    const service = label?.$case === 'stringValue' ? label.value : '?';
    const sum = totals.get(service) ?? [];
    series.samples.forEach((sample, i) => {
      sum[i] = (sum[i] ?? 0) + sample.value;
    });
    totals.set(service, sum);
  }
  return [...totals].map(([service, samples]) => `${service}=${samples.join(',')}`);
}

function askTags(): Question {
  return {
    path: '/tempopb.Querier/SearchTags',
    message: encode(SearchTagsRequest, {}),
    check: (answers) =>
      differences('tags', unique(answers.flatMap((answer) => SearchTagsResponse.decode(answer).tagNames)), ['service.name', 'name']),
  };
}

function askTagsV2(): Question {
  return {
    path: '/tempopb.Querier/SearchTagsV2',
    message: encode(SearchTagsRequest, {}),
    check: (answers) =>
      differences(
        'tags',
        unique(
          answers.flatMap((answer) =>
            SearchTagsV2Response.decode(answer).scopes.flatMap((scope) => scope.tags.map((tag) => `${scope.name}.${tag}`)),
          ),
        ),
        ['resource.service.name', 'span.name'],
      ),
  };
}

function askTagValues(topic: Topic): Question {
  return {
    path: '/tempopb.Querier/SearchTagValuesV2',
    message: encode(SearchTagValuesRequest, { tagName: 'resource.service.name' }),
    check: (answers) =>
      differences(
        'values',
        unique(answers.flatMap((answer) => SearchTagValuesV2Response.decode(answer).tagValues.map((tag) => tag.value))),
        serviceNames(whole(topic)),
      ),
  };
}

const QUESTIONS = [askTrace, askSearch, askRange, askTrace, askTags, askTagsV2, askTagValues] as const;

function whole({ partition, partitions }: Topic): Holding {
  return { partition, partitions, share: 0, shares: 1 };
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

/** '' when both hold the same strings equally often, in any order. */
function differences(what: string, said: readonly string[], wanted: readonly string[]): string {
  const [a, b] = [[...said].sort(), [...wanted].sort()];
  if (a.length === b.length && a.every((value, i) => value === b[i])) return '';
  return `${what}: got ${a.length}, wanted ${b.length}${a.length < 8 ? ` (got ${a.join(' ')}, wanted ${b.join(' ')})` : ''}`;
}
