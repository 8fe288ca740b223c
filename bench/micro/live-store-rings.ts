import { seededRandom } from '../../src/core/index.ts';
import { type OwnerDesc, type PartitionDesc, PartitionRingDesc } from '../../src/gen/dskit/partition_ring.ts';
import { Desc, type InstanceDesc } from '../../src/gen/dskit/ring.ts';
import { encodeSnappyBlock } from '../../src/membership/dskit/index.ts';

const TOKENS = 512;

/** The values under both keys of so many live-stores in two zones: each partition with two owners and 512 tokens, as Tempo has it. */
export function liveStoreRings(members: number): { readonly instances: Uint8Array; readonly partitions: Uint8Array } {
  const random = seededRandom(1);
  const ingesters = new Map<string, InstanceDesc>();
  const owners = new Map<string, OwnerDesc>();
  const partitions = new Map<number, PartitionDesc>();
  for (let i = 0; i < members; i += 1) {
    const id = i >> 1;
    const zone = `zone-${'ab'[i & 1]}`;
    const name = `live-store-${zone}-${id}`;
    const timestamp = 1_795_260_900n + BigInt(i % 5);
    const unused = { tokens: [], readOnly: false, readOnlyUpdatedTimestamp: 0n, versions: new Map() };
    const addr = `10.${i >> 14}.${(i >> 7) & 127}.${i & 127}:9096`;
    ingesters.set(name, { id: name, addr, zone, state: 0, timestamp, registeredTimestamp: timestamp, ...unused });
    owners.set(name, { ownedPartition: id, state: 1, updatedTimestamp: timestamp });
    const tokens = Array.from({ length: TOKENS }, () => Math.floor(random() * 2 ** 32)).sort((a, b) => a - b);
    const unlocked = { stateChangeLocked: false, stateChangeLockedTimestamp: 0n };
    partitions.set(id, { id, tokens, state: 2, stateTimestamp: timestamp, ...unlocked });
  }
  return {
    instances: encodeSnappyBlock(Desc.encode({ ingesters }).finish()),
    partitions: encodeSnappyBlock(PartitionRingDesc.encode({ partitions, owners }).finish()),
  };
}
