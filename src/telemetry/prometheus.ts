import { Counter, Gauge, type Histogram, type Series } from './metric.ts';
import { formatLabels, type MetricRegistry } from './metrics.ts';

/**
 * The Prometheus text form. With `envoyStyle` as Envoy writes it: no HELP lines, empty labels as `{}`, names as they are.
 * https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md
 */
export function prometheusText(registry: Pick<MetricRegistry, 'series'>, options: { readonly envoyStyle?: boolean } = {}): string {
  return Array.from(prometheusPieces(registry.series(), options)).join('') || '\n';
}

/** As `prometheusText`, a series at a time; `shown` as a registry's `series` sorts them. */
export function* prometheusPieces(shown: readonly Series[], options: { readonly envoyStyle?: boolean } = {}): Generator<string, void> {
  let last = '';
  for (const series of shown) {
    const { name, help } = series.id;
    const lines: string[] = [];
    if (name !== last) {
      if (help && !options.envoyStyle) lines.push(`# HELP ${name} ${escapeHelp(help)}`);
      lines.push(`# TYPE ${name} ${kindOf(series)}`);
      last = name;
    }
    lines.push(...samplesOf(series, options.envoyStyle ? '{}' : ''));
    yield `${lines.join('\n')}\n`;
  }
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function kindOf({ metric }: Series): string {
  if (metric instanceof Counter) return 'counter';
  return metric instanceof Gauge ? 'gauge' : 'histogram';
}

function samplesOf({ id, metric }: Series, empty: string): string[] {
  if (metric instanceof Counter || metric instanceof Gauge) return [`${id.name}${formatLabels(id.labels) || empty} ${metric.value}`];
  return histogramSamples(id.name, id.labels ?? {}, metric);
}

function histogramSamples(name: string, labels: Readonly<Record<string, string>>, histogram: Histogram): string[] {
  const lines: string[] = [];
  let sum = 0;
  histogram.counts.forEach((count, i) => {
    sum += count;
    lines.push(`${name}_bucket${formatLabels({ ...labels, le: String(histogram.bounds[i] ?? '+Inf') })} ${sum}`);
  });
  lines.push(`${name}_sum${formatLabels(labels)} ${histogram.sum}`, `${name}_count${formatLabels(labels)} ${histogram.count}`);
  return lines;
}
