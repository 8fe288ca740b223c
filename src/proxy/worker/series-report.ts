import { Counter, Gauge, type Histogram, type Metric, type MetricRegistry, type Series } from '../../telemetry/index.ts';
import type { HistogramGrowth, SeriesDefinition, WorkerReport } from './messages.ts';
import { isShared } from './stat-rules.ts';

/** What was said of a series so far. */
interface Told {
  readonly index: number;
  /** A counter's or gauge's value, a histogram's count. */
  value: number;
  sum: number;
  counts: readonly number[];
}

export type SeriesReport = Pick<WorkerReport, 'defined' | 'removed' | 'counters' | 'gauges' | 'histograms'>;

/** Says what changed in a registry since it was asked last. Series that never changed cost nothing but a look. */
export class SeriesReporter {
  readonly #registry: MetricRegistry;
  /** null: not the sidecar's business, or told under another name. */
  readonly #told = new Map<Series, Told | null>();
  /** Index of the first name of a metric that may have several. */
  readonly #indexes = new WeakMap<Metric, number>();
  #nextIndex = 0;

  constructor(registry: MetricRegistry) {
    this.#registry = registry;
  }

  take(): SeriesReport {
    const report = {
      defined: [] as SeriesDefinition[],
      counters: [] as number[],
      gauges: [] as number[],
      histograms: [] as HistogramGrowth[],
    };
    let met = 0;
    for (const series of this.#registry.all()) {
      const known = this.#told.get(series);
      if (known === undefined && isUntouched(series)) continue;
      const told = known === undefined ? this.#define(series, report.defined) : known;
      met += 1;
      if (!told) continue;
      const { metric } = series;
      if (metric instanceof Counter) tellCounter(told, metric, report.counters);
      else if (metric instanceof Gauge) tellGauge(told, metric, report.gauges);
      else tellHistogram(told, metric, report.histograms);
    }
    const removed = met < this.#told.size ? this.#forget() : [];
    return { ...report, removed, counters: Float64Array.from(report.counters), gauges: Float64Array.from(report.gauges) };
  }

  #define(series: Series, defined: SeriesDefinition[]): Told | null {
    const told = this.#toldOf(series, defined);
    this.#told.set(series, told);
    return told;
  }

  #toldOf({ id: { name, labels, stat }, metric }: Series, defined: SeriesDefinition[]): Told | null {
    if (stat === undefined || !isShared(stat)) return null;
    const index = this.#nextIndex;
    this.#nextIndex += 1;
    const aliasOf = this.#indexes.get(metric);
    const kind = metric instanceof Counter ? 'counter' : metric instanceof Gauge ? 'gauge' : 'histogram';
    const id = { name, stat, ...(labels ? { labels } : {}) };
    defined.push({ index, kind, id, ...(aliasOf === undefined ? {} : { aliasOf }) });
    if (aliasOf !== undefined) return null;
    this.#indexes.set(metric, index);
    return { index, value: 0, sum: 0, counts: [] };
  }

  /** Drops what the registry has no more. Returns the indexes of what was told. */
  #forget(): number[] {
    const present = new Set(this.#registry.all());
    const removed: number[] = [];
    for (const [series, told] of this.#told) {
      if (present.has(series)) continue;
      this.#told.delete(series);
      if (told) removed.push(told.index);
    }
    return removed;
  }
}

/** A worker's own part of a listener is shown from the start: nobody else has it. */
function isUntouched({ id, metric }: Series): boolean {
  if (id.labels?.['envoy_worker_id'] !== undefined) return false;
  return 'value' in metric ? metric.value === 0 : metric.count === 0;
}

function tellCounter(told: Told, { value }: Counter, counters: number[]): void {
  if (value === told.value) return;
  counters.push(told.index, value - told.value);
  told.value = value;
}

function tellGauge(told: Told, { value }: Gauge, gauges: number[]): void {
  if (value === told.value) return;
  gauges.push(told.index, value);
  told.value = value;
}

function tellHistogram(told: Told, { count, counts, sum }: Histogram, histograms: HistogramGrowth[]): void {
  if (count === told.value) return;
  histograms.push({ index: told.index, sum: sum - told.sum, counts: counts.map((each, i) => each - (told.counts[i] ?? 0)) });
  told.value = count;
  told.sum = sum;
  told.counts = [...counts];
}
