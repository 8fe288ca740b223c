import t from 'tap';
import type { Instance, Owner, PartitionRing } from '../../../../src/membership/dskit/index.ts';
import { Knowledge } from '../../../../src/membership/sources/gossip/knowledge.ts';

const instance = (heartbeatMs: number): Instance => ({
  id: 'a-0',
  address: '10.0.0.1:9096',
  zone: 'a',
  state: 'ACTIVE',
  heartbeatMs,
  registeredMs: 1000,
});

function partitionRing(owner: Pick<Owner, 'state' | 'updatedMs'>): PartitionRing {
  return {
    partitions: new Map([[0, { id: 0, state: 'ACTIVE', stateMs: 1000 }]]),
    owners: new Map([['a-0', { id: 'a-0', partition: 0, ...owner }]]),
  };
}

const THERE = partitionRing({ state: 'ACTIVE', updatedMs: 1000 });
const GONE = partitionRing({ state: 'DELETED', updatedMs: 5000 });

t.test('what only one that is gone has said does not count for ever against all others', async (t) => {
  const knowledge = new Knowledge();
  const partitionAt = (heardMs: number): number | null | undefined => {
    knowledge.learn(new Map([['a-0', instance(1000)]]), THERE, heardMs);
    knowledge.forget(heardMs - 30_000);
    return knowledge.join().members[0]?.partition;
  };
  t.equal(partitionAt(1000), 0);
  knowledge.learn(new Map(), GONE, 2000);
  t.equal(partitionAt(3000), null, 'the newer one counts, since gossip may take this long');
  t.equal(partitionAt(32_000), null);
  t.equal(partitionAt(33_000), 0, 'until it is known that it reached nobody');
});

t.test('what somebody still says counts, however many say something older', async (t) => {
  const knowledge = new Knowledge();
  for (let heardMs = 1000; heardMs < 100_000; heardMs += 1000) {
    knowledge.learn(new Map([['a-0', instance(1000)]]), heardMs % 20_000 === 0 ? GONE : THERE, heardMs);
    knowledge.forget(heardMs - 30_000);
    t.equal(knowledge.join().members[0]?.partition, heardMs < 20_000 ? 0 : null, `at ${heardMs}`);
  }
  knowledge.forget(200_000);
  t.strictSame(knowledge.join(), { members: [], partitions: [] });
});

t.test('a member that lives after it was removed is there again, when those who live say so', async (t) => {
  const knowledge = new Knowledge();
  const partitionAt = (heardMs: number, heartbeatMs: number, said = THERE): number | null | undefined => {
    knowledge.learn(new Map([['a-0', instance(heartbeatMs)]]), said, heardMs);
    return knowledge.join().members[0]?.partition;
  };
  t.equal(partitionAt(2000, 4000, GONE), null);
  t.equal(partitionAt(3600, 4000), null, 'it was not heard after that');
  t.equal(partitionAt(4000, 6000), 0);
  t.equal(partitionAt(5000, 6000, GONE), null, 'somebody says it still, so all will');
  t.equal(partitionAt(6000, 6000), null);
});
