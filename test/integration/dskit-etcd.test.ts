// Real dskit rings in a real etcd, read there and from Tempo's pages, which are other ones without memberlist.
import t from 'tap';
import { seededRandom } from '../../src/core/index.ts';
import { DskitChurn } from '../support/dskit-churn.ts';
import { newLags } from '../support/dskit-lag.ts';
import { agree, checkLags, watchRings } from '../support/dskit-rings.ts';
import { startEtcd } from '../support/etcd.ts';
import { goProgram } from '../support/go.ts';

const { RINGWAY_SEED } = process.env;
const seed = Number(RINGWAY_SEED ?? Math.floor(Math.random() * 2 ** 31));
t.comment(`seed ${seed} (RINGWAY_SEED)`);
t.setTimeout(300_000); // of it two minutes for the first compilation

t.test('40 joins, leaves, crashes and restarts', async (t) => {
  const [program, etcd] = [await goProgram(t, 'dskit'), await startEtcd(t)];
  if (program === undefined || etcd === undefined) return;
  const lags = { etcd: newLags(), pages: newLags() };
  const shared = { store: 'etcd', endpoint: new URL(etcd.endpoint).host } as const;
  const churn = new DskitChurn(t, { program, shared, partitions: 3, random: seededRandom(seed), lags: Object.values(lags) });
  await churn.start(4);
  const sources = {
    etcd: { etcd: { endpoints: [etcd.endpoint] } },
    pages: { tempo: { urls: churn.readers.map(({ at }) => `http://${at.http}`) } },
  };
  const catalog = await watchRings(t, sources, lags);
  await agree(t, catalog, churn.readers);
  for (const state of ['Inactive', 'Active']) {
    await churn.act(20, 300);
    await agree(t, catalog, churn.readers);
    await churn.readers[0]?.changePartition(0, state);
  }
  await agree(t, catalog, churn.readers);
  for (const [name, ring] of Object.entries(lags)) await checkLags(t, name, ring);
});
