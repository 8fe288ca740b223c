import { Counter, Gauge, Histogram, type Metric, type MetricId, type MetricRegistry, type Series } from '../../telemetry/index.ts';
import type { SeriesDefinition, WorkerReport } from './messages.ts';
import { combineGauges } from './stat-rules.ts';

/** What one worker told of itself. */
interface WorkerSeries {
  readonly defined: Map<number, MetricId>;
  readonly gauges: Map<number, number>;
}

/**
 * Puts the figures of workers to those of the first process. Growth of counters and histograms goes into the registry itself: what a
 * worker counted stays when the worker ends. Gauges are kept beside it, worker by worker, and end with them.
 */
export class SeriesMerge {
  readonly #registry: MetricRegistry;
  readonly #workers = new Map<number, WorkerSeries>();

  constructor(registry: MetricRegistry) {
    this.#registry = registry;
  }

  /** Takes a report. Growth of series whose cluster or listener is gone here is dropped. */
  take(worker: number, report: Pick<WorkerReport, 'defined' | 'removed' | 'counters' | 'gauges' | 'histograms'>): void {
    const known = this.#workers.get(worker) ?? { defined: new Map<number, MetricId>(), gauges: new Map<number, number>() };
    this.#workers.set(worker, known);
    for (const definition of report.defined) {
      known.defined.set(definition.index, definition.id);
      this.#create(definition, known);
    }
    for (const [index, growth] of pairs(report.counters)) {
      const metric = this.#find(known, index);
      if (metric instanceof Counter && growth > 0) metric.value += growth;
    }
    for (const [index, value] of pairs(report.gauges)) {
      if (value === 0) known.gauges.delete(index);
      else known.gauges.set(index, value);
    }
    for (const { index, sum, counts } of report.histograms) addTo(this.#find(known, index), sum, counts);
    for (const index of report.removed) {
      known.defined.delete(index);
      known.gauges.delete(index);
    }
  }

  /** The worker has ended: what it had open is closed. */
  end(worker: number): void {
    this.#workers.delete(worker);
  }

  /** Every series of the sidecar, as `MetricRegistry.seriesInSteps`, with the gauges of all processes. */
  *seriesInSteps(): Generator<undefined, readonly Series[]> {
    const combined = new Map<Metric, Gauge>();
    for (const { defined, gauges } of this.#workers.values()) {
      for (const [index, value] of gauges) {
        const id = defined.get(index);
        const own = id && this.#registry.find(id);
        if (!(own instanceof Gauge)) continue;
        const sum = combined.get(own) ?? Object.assign(new Gauge(), { value: own.value });
        sum.value = combineGauges(id?.stat ?? '', sum.value, value);
        combined.set(own, sum);
      }
    }
    const shown = yield* this.#registry.seriesInSteps();
    return shown.map((series) => {
      const metric = combined.get(series.metric);
      return metric ? { id: series.id, metric } : series;
    });
  }

  #find({ defined }: WorkerSeries, index: number): Metric | undefined {
    const id = defined.get(index);
    return id && this.#registry.find(id);
  }

  /** Creates what only workers have so far: responses of a code, their own parts of listeners. */
  #create({ kind, id, aliasOf }: SeriesDefinition, known: WorkerSeries): void {
    // The cluster, listener or filter may have left before the worker heard of it.
    const isHere = Object.keys(id.labels ?? {}).length === 0 || this.#registry.hasScope(id.labels ?? {});
    if (this.#registry.find(id) || !isHere) return;
    const original = aliasOf === undefined ? undefined : this.#find(known, aliasOf);
    if (original instanceof Counter) this.#registry.alias(id, original);
    else if (kind === 'counter') this.#registry.counter(id);
    else if (kind === 'gauge') this.#registry.gauge(id);
    else this.#registry.histogram(id);
  }
}

function addTo(metric: Metric | undefined, sum: number, counts: readonly number[]): void {
  if (!(metric instanceof Histogram) || counts.length !== metric.counts.length) return;
  metric.sum += sum;
  for (const [i, count] of counts.entries()) {
    metric.counts[i] = (metric.counts[i] as number) + count;
    metric.count += count;
  }
}

function* pairs(flat: Float64Array): Generator<readonly [number, number]> {
  for (let i = 0; i + 1 < flat.length; i += 2) yield [flat[i] as number, flat[i + 1] as number];
}
