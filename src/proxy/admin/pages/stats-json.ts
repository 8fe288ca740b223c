import { Histogram } from '../../../telemetry/index.ts';
import type { SelectedStats } from './stats-filter.ts';
import { QUANTILES, rounded } from './stats-text.ts';

/** `{stats: [{name, value}, …, {histograms: {supported_quantiles, computed_quantiles}}]}`; the last only when there are histograms. */
export function* statsJson(selected: SelectedStats): Generator<string, void> {
  yield '{"stats":[';
  yield* separated(itemsOf(selected));
  yield ']}\n';
}

function* itemsOf({ texts, values, histograms }: SelectedStats): Generator<string, void> {
  for (const [name, value] of texts) yield JSON.stringify({ name, value });
  for (const { id, metric } of values) yield JSON.stringify({ name: id.stat, value: 'value' in metric ? metric.value : 0 });
  if (histograms.length === 0) return;
  const computed = histograms.values().map(({ id, metric }) => {
    return JSON.stringify({ name: id.stat, values: metric instanceof Histogram ? quantilesOf(metric) : [] });
  });
  yield `{"histograms":{"supported_quantiles":${JSON.stringify(QUANTILES)},"computed_quantiles":[${Array.from(computed).join(',')}]}}`;
}

function* separated(items: Iterable<string>): Generator<string, void> {
  let before = '';
  for (const item of items) {
    yield before + item;
    before = ',';
  }
}

/** Nothing is kept by interval: `interval` repeats what was recorded since the start. */
function quantilesOf(histogram: Histogram): unknown[] {
  return QUANTILES.map((quantile) => {
    const value = histogram.count === 0 ? null : rounded(histogram.quantile(quantile / 100));
    return { cumulative: value, interval: value };
  });
}
