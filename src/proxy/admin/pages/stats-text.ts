import { Histogram } from '../../../telemetry/index.ts';
import type { SelectedStats } from './stats-filter.ts';

/** Percentiles that Envoy prints of a histogram. */
export const QUANTILES: readonly number[] = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100];

/** `name: value` lines: texts quoted, then counters and gauges, then histograms. */
export function* statsText({ texts, values, histograms }: SelectedStats): Generator<string, void> {
  for (const [name, value] of texts) yield `${name}: ${JSON.stringify(value)}\n`;
  for (const { id, metric } of values) yield `${id.stat}: ${'value' in metric ? metric.value : 0}\n`;
  for (const { id, metric } of histograms) yield `${id.stat}: ${metric instanceof Histogram ? summary(metric) : ''}\n`;
}

/** `P0(interval,cumulative) …`: nothing is kept by interval, so both are since the start. */
function summary(histogram: Histogram): string {
  if (histogram.count === 0) return 'No recorded values';
  return QUANTILES.map((quantile) => {
    const value = rounded(histogram.quantile(quantile / 100));
    return `P${quantile}(${value},${value})`;
  }).join(' ');
}

/** Six significant digits, as C's %g. */
export function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
