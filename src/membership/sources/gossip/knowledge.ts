// All that the peers have said, as one ring: what one peer knows the others may learn half a minute later, and a name may lead to another
// peer each time. So an answer adds to what is known and takes nothing away; what nobody says any more is forgotten.
import { RingwayError } from '../../../core/index.ts';
import {
  type Instance,
  type InstanceRing,
  isNewerInstance,
  isNewerOwner,
  isNewerPartition,
  type JoinedRings,
  joinRings,
  MAX_RING_ENTRIES,
  type Owner,
  type PartitionRing,
  type RingPartition,
} from '../../dskit/index.ts';

/** Times are milliseconds of any clock that does not go back. */
export class Knowledge {
  readonly #instances = new Remembered<string, Instance>(isNewerInstance, isNewsOfInstance);
  readonly #partitions = new Remembered<number, RingPartition>(isNewerPartition, (a, b) => a.state !== b.state);
  readonly #owners = new Remembered<string, Owner>(isNewerOwner, (a, b) => a.state !== b.state || a.partition !== b.partition);

  /**
   * Adds what a peer says. True when that is news; a newer heartbeat is none. Throws RingwayError `BAD_GOSSIP` when it would be too much to
   * keep, and keeps nothing of it.
   */
  learn(instances: InstanceRing, partitions: PartitionRing | null, atMs: number): boolean {
    const owners = partitions?.owners ?? new Map<string, Owner>();
    const ofPartitions = partitions?.partitions ?? new Map<number, RingPartition>();
    const size = this.#instances.sizeWith(instances) + this.#partitions.sizeWith(ofPartitions) + this.#owners.sizeWith(owners);
    if (size > MAX_RING_ENTRIES)
      throw new RingwayError(`the ring would have ${size} entries with it, at most ${MAX_RING_ENTRIES} are allowed`, {
        code: 'BAD_GOSSIP',
      });
    const news = [this.#instances.add(instances, atMs), this.#partitions.add(ofPartitions, atMs), this.#owners.add(owners, atMs)];
    return news.includes(true);
  }

  /** Drops what nobody has said since `sinceMs`. */
  forget(sinceMs: number): void {
    this.#instances.forget(sinceMs);
    this.#partitions.forget(sinceMs);
    this.#owners.forget(sinceMs);
  }

  join(): JoinedRings {
    const instances = this.#instances.values();
    const owners = this.#owners.values((said) => believedOwner(said, instances));
    return joinRings(instances, { partitions: this.#partitions.values(), owners });
  }
}

/** A peer that lives is asked again within this time. */
const ASKED_AGAIN_MS = 1500;

/**
 * An instance that lives after its owner was removed has been started again, and would have said so of its owner had it known of that
 * (AddOrUpdateOwner of ring/partition_ring_model.go leaves an owner that is there as it is). So whoever told us has told nobody else, and
 * what the others go on saying counts at once.
 */
function believedOwner(said: readonly Said<Owner>[], instances: InstanceRing): Owner {
  const [newest, last] = [said[0], said.at(-1)] as [Said<Owner>, Said<Owner>];
  const { id, state, updatedMs } = newest.value;
  const instance = instances.get(id);
  const livesAgain = state === 'DELETED' && instance !== undefined && instance.state !== 'LEFT' && instance.heartbeatMs > updatedMs;
  return livesAgain && last.saidMs - newest.saidMs > ASKED_AGAIN_MS ? last.value : newest.value;
}

function isNewsOfInstance(a: Instance, b: Instance): boolean {
  return a.state !== b.state || a.address !== b.address || a.zone !== b.zone || a.registeredMs !== b.registeredMs;
}

interface Said<V> {
  readonly value: V;
  /** When somebody last said it. */
  readonly saidMs: number;
}

/** So many values of one key are kept; peers that gossip properly have two at most. */
const MAX_SAID = 16;

/**
 * The newest value of each key that somebody still says. A value counts again when nobody says a newer one any more: a member that left
 * may have told us and nobody else, and for the others it is there when it comes back.
 */
class Remembered<K, V> {
  readonly #isNewer: (a: V, b: V) => boolean;
  readonly #isNews: (a: V, b: V) => boolean;
  /** Of each key the newest value, then what older ones were said after it, in this order; never empty. */
  readonly #entries = new Map<K, Said<V>[]>();

  constructor(isNewer: (a: V, b: V) => boolean, isNews: (a: V, b: V) => boolean) {
    this.#isNewer = isNewer;
    this.#isNews = isNews;
  }

  sizeWith(said: ReadonlyMap<K, V>): number {
    let size = this.#entries.size;
    for (const key of said.keys()) if (!this.#entries.has(key)) size += 1;
    return size;
  }

  add(said: ReadonlyMap<K, V>, atMs: number): boolean {
    let news = false;
    for (const [key, value] of said) {
      const entry = this.#entries.get(key) ?? [];
      const newest = entry[0]?.value;
      while (entry.length > 0 && !this.#isNewer((entry.at(-1) as Said<V>).value, value)) entry.pop();
      if (entry.length === MAX_SAID) entry.splice(1, 1);
      entry.push({ value, saidMs: atMs });
      this.#entries.set(key, entry);
      if (entry.length === 1) news ||= newest === undefined || this.#isNews(value, newest);
    }
    return news;
  }

  forget(sinceMs: number): void {
    for (const [key, entry] of this.#entries) {
      while (entry[0] !== undefined && entry[0].saidMs < sinceMs) entry.shift();
      if (entry.length === 0) this.#entries.delete(key);
    }
  }

  /** What counts of each key: the newest unless `believe` says otherwise. */
  values(believe: (said: readonly Said<V>[]) => V = ([newest]) => (newest as Said<V>).value): ReadonlyMap<K, V> {
    return new Map([...this.#entries].map(([key, said]) => [key, believe(said)]));
  }
}
