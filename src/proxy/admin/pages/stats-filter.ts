import { messageOf, sortInSteps } from '../../../core/index.ts';
import { Counter, Gauge, Histogram, type Metric, type Series } from '../../../telemetry/index.ts';
import { type AdminRequest, has } from '../page.ts';

/** What `/stats` shows. */
export interface StatsSource {
  /** All of them, by Prometheus name. */
  series(): Generator<unknown, readonly Series[]>;
  /** Brings figures up to date that are only computed or asked for when somebody looks. */
  refresh(): void | Promise<void>;
  /** Stats whose value is a text, by name (`control_plane.identifier`). */
  texts(): ReadonlyMap<string, string>;
}

/** Stats of one request, sorted by Envoy's dotted name. */
export interface SelectedStats {
  readonly texts: readonly (readonly [name: string, value: string])[];
  /** Counters and gauges. */
  readonly values: readonly Series[];
  readonly histograms: readonly Series[];
  /** Values and histograms in the order of the source. */
  readonly inOrder: readonly Series[];
}

const TYPES = ['All', 'Counters', 'Gauges', 'Histograms', 'TextReadouts'];
/** So many are looked at in one step. */
const STEP = 512;
/** Longer filters are refused: they come from a URL. */
const MAX_FILTER = 512;

/** Applies `usedonly`, `filter`, `invert_filter` and `type` of a request. Between its steps others may have the event loop. */
export function* selectStats(
  source: Pick<StatsSource, 'series' | 'texts'>,
  request: AdminRequest,
): Generator<unknown, SelectedStats | { readonly refused: string }> {
  const type = request.query.get('type') ?? 'All';
  if (!TYPES.includes(type)) return { refused: `invalid &type= param, allowed: ${TYPES.join(', ')}\n` };
  const filter = filterOf(request);
  if (typeof filter === 'string') return { refused: filter };
  const isUsedOnly = has(request, 'usedonly');
  const wants = (name: string): boolean => type === 'All' || type === name;
  const inOrder: Series[] = [];
  const values: Series[] = [];
  const histograms: Series[] = [];
  for (const [index, series] of (yield* source.series()).entries()) {
    const { id, metric } = series;
    const isShown = id.stat !== undefined && wants(typeOf(metric)) && (!isUsedOnly || isUsed(series)) && filter(id.stat);
    if (isShown) {
      inOrder.push(series);
      (metric instanceof Histogram ? histograms : values).push(series);
    }
    if (index % STEP === 0) yield;
  }
  const byStat = (a: Series, b: Series): number => compare(a.id.stat ?? '', b.id.stat ?? '');
  return {
    texts: wants('TextReadouts') ? [...source.texts()].filter(([name]) => filter(name)).sort(([a], [b]) => compare(a, b)) : [],
    values: yield* sortInSteps(values, byStat),
    histograms: yield* sortInSteps(histograms, byStat),
    inOrder,
  };
}

function typeOf(metric: Metric): string {
  if (metric instanceof Histogram) return 'Histograms';
  return metric instanceof Gauge ? 'Gauges' : 'Counters';
}

/** A counter that counted, a histogram that recorded; a gauge may have come back to 0, so it always is. */
function isUsed({ metric }: Series): boolean {
  if (metric instanceof Gauge) return true;
  return metric instanceof Counter ? metric.value !== 0 : metric.count > 0;
}

function filterOf(request: AdminRequest): ((name: string) => boolean) | string {
  const pattern = request.query.get('filter');
  if (pattern === null) return () => true;
  if (pattern.length > MAX_FILTER) return `filter is longer than ${MAX_FILTER} characters\n`;
  try {
    const regex = new RegExp(pattern);
    const isInverted = has(request, 'invert_filter');
    return (name) => regex.test(name) !== isInverted;
  } catch (error) {
    return `Invalid re2 regex: ${messageOf(error)}\n`;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
