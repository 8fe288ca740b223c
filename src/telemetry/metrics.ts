import { allAtOnce, sortInSteps } from '../core/index.ts';
import { Counter, Gauge, Histogram, type Labels, type Metric, type MetricId, type Series } from './metric.ts';
import { metricIdOf, type ScopedName, ScopedSeries, ScopeSeries, type StatScopeId } from './scope-series.ts';

/** So many names are put together in one step. */
const STEP = 128;

/** All series of one process. Asking twice for the same name and labels gives the same metric. */
export class MetricRegistry {
  readonly #series = new Map<string, Series>();
  /** Scopes by their labels. */
  readonly #scopes = new Map<string, ScopeSeries[]>();
  /** Labels of what is in `#series`: a scope with other labels has nothing there. */
  readonly #labels = new Set<string>();

  counter(id: MetricId): Counter {
    return this.#get(id, Counter);
  }

  gauge(id: MetricId): Gauge {
    return this.#get(id, Gauge);
  }

  histogram(id: MetricId): Histogram {
    return this.#get(id, Histogram);
  }

  /** The series of a scope, to give `scoped` and `aliasScoped`. */
  scope(id: StatScopeId): ScopeSeries {
    const labels = formatLabels(id.labels);
    const scopes = this.#scopes.get(labels);
    const known = scopes?.find((scope) => scope.id.name === id.name && scope.id.stat === id.stat);
    if (known) return known;
    const made = new ScopeSeries(id, labels);
    if (scopes) scopes.push(made);
    else this.#scopes.set(labels, [made]);
    return made;
  }

  /** The metric of a name in a scope; `StatScope` is how others ask for it. */
  scoped<T extends Metric>(scope: ScopeSeries, name: ScopedName, kind: new () => T): T {
    const known = scope.get(name.stat);
    if (known) return ofKind(known, kind);
    const made = this.#adopt(scope, name) ?? new ScopedSeries(scope.id, name, new kind());
    scope.add(name.stat, made);
    return ofKind(made, kind);
  }

  /** Shows a counter under a second name and labels as well, which counting costs nothing. */
  alias(id: MetricId, counter: Counter): void {
    this.#series.set(keyOf(id), { id, metric: counter });
    this.#labels.add(formatLabels(id.labels));
  }

  /** As `alias`, in a scope. */
  aliasScoped(scope: ScopeSeries, name: ScopedName, counter: Counter): void {
    scope.add(name.stat, new ScopedSeries(scope.id, name, counter));
  }

  /** Whether some scope has these labels, or some of them and no other. */
  hasScope(labels: Labels): boolean {
    for (const [scope] of this.#scopes.values()) {
      const tags = Object.entries(scope?.id.labels ?? {});
      if (tags.length > 0 && tags.every(([tag, value]) => labels[tag] === value)) return true;
    }
    return false;
  }

  /** Every series as it stands now, sorted by Prometheus name, then by labels. */
  series(): readonly Series[] {
    return allAtOnce(this.seriesInSteps());
  }

  /** As `series`; between its steps others may have the event loop. */
  *seriesInSteps(): Generator<undefined, readonly Series[]> {
    const shown: (Series & { readonly key: string })[] = [];
    for (const { id, metric } of this.all()) {
      shown.push({ id, metric, key: keyOf(id) });
      if (shown.length % STEP === 0) yield;
    }
    return yield* sortInSteps(shown, (a, b) => compare(a.id.name, b.id.name) || compare(a.key, b.key));
  }

  /** Every series, always the same objects, in no order: cheaper than `series` where it does not matter. */
  *all(): Iterable<Series> {
    yield* this.#series.values();
    for (const scopes of this.#scopes.values()) for (const scope of scopes) yield* scope.all();
  }

  /** The metric of a name and labels, if there is one; sooner found with `stat`. */
  find(id: MetricId): Metric | undefined {
    return this.#find(id)?.metric;
  }

  /** Forgets every series for which `match` is true. */
  remove(match: (id: MetricId) => boolean): void {
    for (const [key, { id }] of this.#series) if (match(id)) this.#series.delete(key);
    for (const scopes of this.#scopes.values()) for (const scope of scopes) scope.remove(match);
  }

  /** Forgets every series of a scope and of those below it: a removed cluster's, for instance. */
  removeScope({ name: prefix, labels }: StatScopeId): void {
    const tags = Object.entries(labels);
    const isBelow = (name: string, its: Labels | undefined): boolean =>
      name.startsWith(`${prefix}_`) && tags.every(([tag, value]) => its?.[tag] === value);
    for (const [key, { id }] of this.#series) if (isBelow(id.name, id.labels)) this.#series.delete(key);
    for (const [key, scopes] of this.#scopes) {
      for (const scope of scopes) if (isBelow(`${scope.id.name}_`, scope.id.labels)) scope.isForgotten = true;
      const left = scopes.filter(({ isForgotten }) => !isForgotten);
      if (left.length === 0) this.#scopes.delete(key);
      else if (left.length < scopes.length) this.#scopes.set(key, left);
    }
  }

  #get<T extends Metric>(id: MetricId, kind: new () => T): T {
    const known = this.#find(id);
    if (known) return ofKind(known, kind);
    const metric = new kind();
    this.#series.set(keyOf(id), { id, metric });
    this.#labels.add(formatLabels(id.labels));
    return metric;
  }

  #find(id: MetricId): Series | undefined {
    const key = keyOf(id);
    return this.#series.get(key) ?? this.#findScoped(key, id);
  }

  /** In a scope of its labels, or of all but the first of them, which is a tag's. */
  #findScoped(key: string, { stat, labels = {} }: MetricId): Series | undefined {
    const [, ...untagged] = Object.entries(labels);
    for (const shared of [labels, Object.fromEntries(untagged)]) {
      for (const scope of this.#scopes.get(formatLabels(shared)) ?? []) {
        const series = stat?.startsWith(`${scope.id.stat}.`) ? [scope.get(stat.slice(scope.id.stat.length + 1))] : scope.all();
        for (const one of series) if (one && keyOf(one.id) === key) return one;
      }
    }
    return undefined;
  }

  /** A series that was there before its scope was known. */
  #adopt(scope: ScopeSeries, name: ScopedName): Series | undefined {
    if (!name.tag && !this.#labels.has(scope.labels)) return undefined;
    const key = keyOf(metricIdOf(scope.id, name));
    const series = this.#series.get(key);
    this.#series.delete(key);
    return series;
  }
}

function ofKind<T extends Metric>(series: Series, kind: new () => T): T {
  const { metric } = series;
  if (metric instanceof kind) return metric;
  throw new Error(`metric ${keyOf(series.id)} is registered with another kind`);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function keyOf({ name, labels }: MetricId): string {
  return `${name}${formatLabels(labels)}`;
}

const NEEDS_ESCAPE = /[\\"\n]/;

/** `{a="1",b="2"}`, values escaped as Prometheus wants; '' without labels. */
export function formatLabels(labels: Labels | undefined): string {
  const entries = Object.entries(labels ?? {});
  if (entries.length === 0) return '';
  const quoted = (value: string): string =>
    NEEDS_ESCAPE.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value;
  return `{${entries.map(([name, value]) => `${name}="${quoted(value)}"`).join(',')}}`;
}
