import { Histogram } from '../../../telemetry/index.ts';
import type { SelectedStats } from './stats-filter.ts';
import { QUANTILES, rounded } from './stats-text.ts';

/** `{stats: [{name, value}, …, {histograms: {supported_quantiles, computed_quantiles}}]}`; the last only when there are histograms. */
export function statsJson({ texts, values, histograms }: SelectedStats): unknown {
  const stats: unknown[] = [
    ...texts.map(([name, value]) => ({ name, value })),
    ...values.map(({ id, metric }) => ({ name: id.stat, value: 'value' in metric ? metric.value : 0 })),
  ];
  if (histograms.length > 0) {
    const computed = histograms.map(({ id, metric }) => ({
      name: id.stat,
      values: metric instanceof Histogram ? quantilesOf(metric) : [],
    }));
    stats.push({ histograms: { supported_quantiles: QUANTILES, computed_quantiles: computed } });
  }
  return { stats };
}

/** Nothing is kept by interval: `interval` repeats what was recorded since the start. */
function quantilesOf(histogram: Histogram): unknown[] {
  return QUANTILES.map((quantile) => {
    const value = histogram.count === 0 ? null : rounded(histogram.quantile(quantile / 100));
    return { cumulative: value, interval: value };
  });
}
