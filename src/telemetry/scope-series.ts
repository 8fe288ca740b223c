import type { Labels, Metric, MetricId, Series } from './metric.ts';

/** A subtree of Envoy's stats: `cluster.a` is `envoy_cluster_…{envoy_cluster_name="a"}` in the Prometheus form. */
export interface StatScopeId {
  /** Dotted prefix without a dot at its end, e.g. `cluster.a`. */
  readonly stat: string;
  /** Prometheus prefix without an underscore at its end, e.g. `envoy_cluster`. */
  readonly name: string;
  /** Tags that Envoy takes out of the dotted name. */
  readonly labels: Labels;
}

/** What a series of a scope is called in it. */
export interface ScopedName {
  /** Dotted, below the scope: `upstream_rq_total`. */
  readonly stat: string;
  /** Where a part of it is a label in the Prometheus form: that label, and the name without the part. */
  readonly tag?: { readonly name: string; readonly label: string; readonly value: string };
}

/**
 * The series of one scope. A sidecar has some eighty of them for each cluster: they are kept by what they are called in their scope, and
 * their full names are put together when somebody reads them.
 */
export class ScopeSeries {
  readonly id: StatScopeId;
  /** True once its registry forgot it: who asks again gets another. */
  isForgotten = false;
  /** Its labels as the Prometheus form has them. */
  readonly labels: string;
  readonly #series = new Map<string, Series>();

  constructor(id: StatScopeId, labels: string) {
    this.id = id;
    this.labels = labels;
  }

  /** By the dotted name below the scope. */
  get(stat: string): Series | undefined {
    return this.#series.get(stat);
  }

  add(stat: string, series: Series): void {
    this.#series.set(stat, series);
  }

  all(): Iterable<Series> {
    return this.#series.values();
  }

  remove(match: (id: MetricId) => boolean): void {
    for (const [key, { id }] of this.#series) if (match(id)) this.#series.delete(key);
  }
}

/** A series of a scope. */
export class ScopedSeries implements Series {
  readonly metric: Metric;
  readonly #scope: StatScopeId;
  readonly #name: ScopedName;

  constructor(scope: StatScopeId, name: ScopedName, metric: Metric) {
    this.#scope = scope;
    this.#name = name;
    this.metric = metric;
  }

  /** A new object each time. */
  get id(): MetricId {
    return metricIdOf(this.#scope, this.#name);
  }
}

/** The full names of a series. */
export function metricIdOf({ stat, name, labels }: StatScopeId, { stat: below, tag }: ScopedName): MetricId & { readonly labels: Labels } {
  const dotted = `${stat}.${below}`;
  if (!tag) return { name: `${name}_${promName(below)}`, labels, stat: dotted };
  return { name: `${name}_${promName(tag.name)}`, labels: { [tag.label]: tag.value, ...labels }, stat: dotted };
}

/** A dotted name as Prometheus takes it. */
export function promName(stat: string): string {
  return stat.replaceAll(/[^a-zA-Z0-9_]/g, '_');
}
