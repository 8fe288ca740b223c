// What workers count and what the first process shows of it.
import t from 'tap';
import { allAtOnce } from '../../../src/core/index.ts';
import { SeriesMerge } from '../../../src/proxy/worker/series-merge.ts';
import { SeriesReporter } from '../../../src/proxy/worker/series-report.ts';
import { clusterScope, listenerWorkerScope, MetricRegistry, rootScope, type Series } from '../../../src/telemetry/index.ts';

/** What is shown, by Envoy's name; a histogram as its count. */
function shown(series: readonly Series[]): Record<string, number> {
  return Object.fromEntries(series.map(({ id, metric }) => [id.stat ?? id.name, 'value' in metric ? metric.value : metric.count]));
}

function start(workers: number) {
  const first = new MetricRegistry();
  const merge = new SeriesMerge(first);
  const registries = Array.from({ length: workers }, () => new MetricRegistry());
  const reporters = registries.map((registry) => new SeriesReporter(registry));
  const gather = (): Record<string, number> => {
    for (const [i, reporter] of reporters.entries()) merge.take(i + 1, reporter.take());
    return shown(allAtOnce(merge.seriesInSteps()));
  };
  return { first, merge, registries: registries as [MetricRegistry, MetricRegistry], reporters, gather };
}

t.test('counters, gauges and histograms of all processes are one', async (t) => {
  const { first, registries, gather, merge } = start(2);
  for (const [i, registry] of [first, ...registries].entries()) {
    const scope = clusterScope(registry, 'a');
    scope.counter('upstream_rq_total').inc(10 ** i);
    scope.gauge('upstream_rq_active').set(i + 1);
    scope.gauge('circuit_breakers.default.rq_open').set(i === 1 ? 1 : 0);
    scope.histogram('upstream_rq_time').record(7);
    scope.gauge('membership_total').set(4);
    scope.counter('update_success').inc();
    rootScope(registry, 'listener_manager').counter('listener_added').inc();
  }
  t.strictSame(gather(), {
    'cluster.a.circuit_breakers.default.rq_open': 1,
    'cluster.a.membership_total': 4,
    'cluster.a.update_success': 1,
    'cluster.a.upstream_rq_active': 6,
    'cluster.a.upstream_rq_time': 3,
    'cluster.a.upstream_rq_total': 111,
    'listener_manager.listener_added': 1,
  });
  t.strictSame(gather(), shown(allAtOnce(merge.seriesInSteps())), 'nothing is counted twice');
  clusterScope(registries[0], 'a').counter('upstream_rq_total').inc(1000);
  clusterScope(registries[1], 'a').gauge('upstream_rq_active').set(0);
  t.match(gather(), { 'cluster.a.upstream_rq_total': 1111, 'cluster.a.upstream_rq_active': 3 });
});

t.test('a worker that ends leaves what it counted and takes what it had open', async (t) => {
  const { first, registries, gather, merge } = start(1);
  clusterScope(first, 'a').counter('upstream_rq_total').inc();
  clusterScope(first, 'a').gauge('upstream_rq_active').set(2);
  clusterScope(registries[0], 'a').counter('upstream_rq_total').inc(5);
  clusterScope(registries[0], 'a').gauge('upstream_rq_active').set(3);
  t.strictSame(gather(), { 'cluster.a.upstream_rq_total': 6, 'cluster.a.upstream_rq_active': 5 });
  merge.end(1);
  t.strictSame(shown(allAtOnce(merge.seriesInSteps())), { 'cluster.a.upstream_rq_total': 6, 'cluster.a.upstream_rq_active': 2 });
  const successor = new MetricRegistry();
  clusterScope(successor, 'a').counter('upstream_rq_total').inc(1);
  merge.take(1, new SeriesReporter(successor).take());
  t.match(shown(allAtOnce(merge.seriesInSteps())), { 'cluster.a.upstream_rq_total': 7 });
});

t.test('series that only a worker has are shown; those of clusters that are gone are not', async (t) => {
  const { first, registries, gather } = start(1);
  clusterScope(first, 'a').counter('upstream_rq_total');
  listenerWorkerScope(first, '127.0.0.1:1', 0).counter('downstream_cx_total');
  const scope = clusterScope(registries[0], 'a');
  scope.responseCodes('upstream_rq', 'codes').record(503);
  listenerWorkerScope(registries[0], '127.0.0.1:1', 1).gauge('downstream_cx_active');
  clusterScope(registries[0], 'gone').counter('upstream_rq_total').inc();
  const figures = gather();
  t.match(figures, { 'cluster.a.upstream_rq_503': 1, 'cluster.a.upstream_rq_5xx': 1, 'cluster.a.upstream_rq_completed': 1 });
  t.notOk('cluster.gone.upstream_rq_total' in figures);
  t.notOk('listener.127.0.0.1_1.worker_1.downstream_cx_active' in figures, 'nothing of that listener is here');

  // the first process lets go of a cluster before the worker hears of it
  clusterScope(first, 'a').remove();
  scope.counter('upstream_rq_total').inc();
  scope.responseCodes('upstream_rq', 'codes').record(200);
  t.strictSame(gather(), { 'listener.127.0.0.1_1.worker_0.downstream_cx_total': 0 });
  scope.remove();
  gather();
  // both come again under the same name
  clusterScope(first, 'a').counter('upstream_rq_total').inc();
  clusterScope(registries[0], 'a').counter('upstream_rq_total').inc(2);
  t.match(gather(), { 'cluster.a.upstream_rq_total': 3 });
});

t.test('a counter of two names is counted once, and shown under both', async (t) => {
  const { first, registries, gather } = start(2);
  clusterScope(first, 'a').responseCodes('upstream_rq', 'codes', 'external').record(200);
  for (const registry of registries) {
    const codes = clusterScope(registry, 'a').responseCodes('upstream_rq', 'codes', 'external');
    codes.record(200);
    codes.record(503);
  }
  const expected = { completed: 5, '2xx': 3, '200': 3, '5xx': 2, '503': 2 };
  for (let round = 0; round < 2; round += 1) {
    const figures = gather();
    for (const [code, count] of Object.entries(expected)) {
      t.equal(figures[`cluster.a.upstream_rq_${code}`], count, code);
      t.equal(figures[`cluster.a.external.upstream_rq_${code}`], count, `external ${code}`);
    }
  }
});

t.test('a report has only what changed', async (t) => {
  const registry = new MetricRegistry();
  const reporter = new SeriesReporter(registry);
  const scope = clusterScope(registry, 'a');
  scope.counter('never');
  const counter = scope.counter('upstream_rq_total');
  counter.inc(2);
  t.match(reporter.take(), { defined: [{ index: 0, kind: 'counter' }], removed: [], counters: Float64Array.of(0, 2) });
  t.strictSame(reporter.take(), { defined: [], removed: [], counters: new Float64Array(), gauges: new Float64Array(), histograms: [] });
  counter.inc();
  t.strictSame(reporter.take().counters, Float64Array.of(0, 1));
  scope.remove();
  t.strictSame(reporter.take().removed, [0]);
});
