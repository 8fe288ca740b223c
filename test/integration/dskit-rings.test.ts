// Real dskit rings, read from Tempo's pages and from the gossip, against what dskit's own readers say of them.
import t from 'tap';
import { seededRandom } from '../../src/core/index.ts';
import { DskitChurn } from '../support/dskit-churn.ts';
import { newLags } from '../support/dskit-lag.ts';
import { agree, checkLags, checkUnnoticed, watchRings } from '../support/dskit-rings.ts';
import { goProgram } from '../support/go.ts';

const { RINGWAY_SEED } = process.env;
const seed = Number(RINGWAY_SEED ?? Math.floor(Math.random() * 2 ** 31));
t.comment(`seed ${seed} (RINGWAY_SEED)`);
t.setTimeout(300_000); // of it two minutes for the first compilation

t.test('200 joins, leaves, crashes and restarts', async (t) => {
  const program = await goProgram(t, 'dskit');
  if (program === undefined) return;
  const lags = { pages: newLags(), gossip: newLags() };
  const churn = new DskitChurn(t, { program, shared: {}, partitions: 4, random: seededRandom(seed), lags: Object.values(lags) });
  await churn.start(4);
  const sources = {
    pages: { tempo: { urls: churn.readers.map(({ at }) => `http://${at.http}`) } },
    gossip: { gossip: { seeds: churn.readers.map(({ at }) => at.gossip) } },
  };
  const catalog = await watchRings(t, sources, lags);
  await agree(t, catalog, churn.readers);
  for (let i = 0; i < 4; i += 1) {
    await churn.act(50, 300);
    await agree(t, catalog, churn.readers);
    await churn.readers[0]?.changePartition(0, i % 2 === 0 ? 'Inactive' : 'Active');
  }
  await agree(t, catalog, churn.readers);
  await checkUnnoticed(t, churn);
  t.comment(JSON.stringify(churn.done));
  for (const [name, ring] of Object.entries(lags)) await checkLags(t, name, ring);
});
