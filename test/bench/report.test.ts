import t from 'tap';
import { loadTable } from '../../bench/engine/report.ts';
import type { ProxyCost } from '../../bench/engine/rounds.ts';
import { spreadOf } from '../../bench/engine/spread.ts';

const flat = spreadOf([1]);
const cost = (...roundsUs: readonly number[]): ProxyCost => ({
  cpuUs: spreadOf(roundsUs),
  roundsUs,
  perSecond: flat,
  p50Us: flat,
  p99Us: flat,
});

t.test('ratios are those of pairs of one round: they hold while the machine drifts', async (t) => {
  const table = loadTable({
    machine: { cpu: '', cores: 2, kernel: '', node: '', date: '' },
    proxies: { ringway: { title: 'Ringway', version: '' }, envoy: { title: 'Envoy', version: '' } },
    loads: [
      { load: 'a1', costs: { ringway: cost(10, 40, 20), envoy: cost(20, 80, 100) }, rounds: 3, thrownAway: 0, measuredAt: '' },
      { load: 'v1', costs: { ringway: cost(30, 40, 50), envoy: 'fails: no answer' }, rounds: 3, thrownAway: 0, measuredAt: '' },
    ],
    findings: [],
  });
  const [, , a1 = '', v1 = ''] = table.split('\n');
  t.match(a1, '| 10.0 / 20.0 / 40.0 · 0.20 / **0.50** / 0.50 |');
  t.match(a1, '| **no** |', 'the bound of a1 is 0.40');
  t.match(v1, '| 30.0 / 40.0 / 50.0 | fails: no answer |');
});
