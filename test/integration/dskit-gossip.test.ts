// Each way in which dskit may gossip.
import { resolve } from 'node:path';
import t from 'tap';
import { seededRandom } from '../../src/core/index.ts';
import { DskitChurn } from '../support/dskit-churn.ts';
import { newLags } from '../support/dskit-lag.ts';
import type { DskitOptions } from '../support/dskit-process.ts';
import { agree, checkLags, checkUnnoticed, watchRings } from '../support/dskit-rings.ts';
import { goProgram } from '../support/go.ts';

const { RINGWAY_SEED } = process.env;
const seed = Number(RINGWAY_SEED ?? Math.floor(Math.random() * 2 ** 31));
t.comment(`seed ${seed} (RINGWAY_SEED)`);
t.setTimeout(300_000); // of it two minutes for the first compilation

const label = 'tempo.traces';
const [certificate, privateKey] = ['localhost.crt', 'localhost.key'].map((name) => resolve('test/golden/tls', name)) as [string, string];
const tls = { certificate, privateKey, ca: certificate };

/** What dskit is told, and what the source must be told. */
const WAYS: Readonly<Record<string, readonly [DskitOptions, Readonly<Record<string, unknown>>]>> = {
  LZW: [{ compression: 'lzw' }, {}],
  snappy: [{ compression: 'snappy' }, {}],
  'a cluster label': [{ label }, { clusterLabel: label }],
  TLS: [{ tls }, { tls: { ca: certificate } }],
  'all of it': [
    { compression: 'snappy', label, tls },
    { clusterLabel: label, tls: { ca: certificate } },
  ],
};

for (const [way, [shared, told]] of Object.entries(WAYS))
  t.test(way, async (t) => {
    const program = await goProgram(t, 'dskit');
    if (program === undefined) return;
    const gossip = newLags();
    const churn = new DskitChurn(t, { program, shared, partitions: 2, random: seededRandom(seed), lags: [gossip] });
    await churn.start(3);
    const seeds = churn.readers.map(({ at }) => at.gossip);
    const catalog = await watchRings(t, { gossip: { gossip: { seeds, ...told } } }, { gossip });
    await churn.act(10, 300);
    await agree(t, catalog, churn.readers);
    await checkLags(t, 'gossip', gossip);
    await checkUnnoticed(t, churn);
    if (Object.keys(told).length === 0) return;
    const other = await watchRings(t, { untold: { gossip: { seeds } } }, {});
    const error = await new Promise<string>((resolve) => {
      other.subscribe(({ rings }) => {
        const { error } = rings.get('untold')?.sources[0] ?? {};
        if (error) resolve(error);
      });
    });
    t.match(error, 'closed the connection without an answer', 'who is not told so gets nothing');
    t.strictSame(other.value.rings.get('untold')?.members, []);
  });
