import t from 'tap';
import { MetricRegistry, prometheusText } from '../../src/telemetry/index.ts';
import { parsePrometheus } from '../support/prometheus.ts';

t.test('a page can be read by who is strict: labels, help and names that are awkward', async (t) => {
  const registry = new MetricRegistry();
  registry.counter({ name: 'a_total', help: 'With a \\ and\na second line.', labels: { ring: 'say "x"\n\\' } }).inc(3);
  registry.gauge({ name: 'a', help: 'No labels.' }).set(-1.5);
  registry.gauge({ name: 'a', labels: { b: '1' } }).set(Number.POSITIVE_INFINITY);
  registry.histogram({ name: 'took_ms', labels: { type: 'x' } }).record(7);
  const families = parsePrometheus(prometheusText(registry));
  t.same([...families.keys()], ['a', 'a_total', 'took_ms']);
  t.equal(families.get('a_total')?.help, 'With a \\\\ and\\na second line.');
  t.equal(families.get('a_total')?.samples.get('a_total{ring="say \\"x\\"\\n\\\\"}'), 3);
  t.same(
    [...(families.get('a')?.samples ?? [])],
    [
      ['a', -1.5],
      ['a{b="1"}', Number.POSITIVE_INFINITY],
    ],
  );
  t.equal(families.get('took_ms')?.samples.get('took_ms_bucket{type="x",le="10"}'), 1);
});
