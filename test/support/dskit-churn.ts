import type { Test } from 'tap';
import { type Random, sleep, systemClock } from '../../src/core/index.ts';
import { addressOf, type RingLags } from './dskit-lag.ts';
import { type DskitOptions, type DskitProcess, startDskit } from './dskit-process.ts';
import { freePorts } from './ports.ts';

/** What happens to a member. */
type Deed = 'join' | 'leave' | 'crash' | 'restart';

/** A live-store that may run. */
interface Place {
  readonly id: string;
  readonly zone: string;
  readonly partition: number;
  /** Stays, as in a StatefulSet of machines: else memberlist remembers each end as one more dead member, and gossips to nobody else. */
  readonly gossipPort: number;
  process: DskitProcess | null;
  /** What is being done with it; null: nothing. */
  deed: Promise<void> | null;
}

export interface ChurnOptions {
  /** dskit's program. */
  readonly program: string;
  /** What every process is told. */
  readonly shared: DskitOptions;
  /** Of two zones each has so many members. */
  readonly partitions: number;
  readonly random: Random;
  /** `peers` are told what the readers know, `anyone` what each process knows. */
  readonly lags: readonly RingLags[];
}

/** Live-stores of real dskit that come and go as a seed says, and two processes that read and stay. */
export class DskitChurn {
  /** How often each was done. */
  readonly done: Record<Deed, number> = { join: 0, leave: 0, crash: 0, restart: 0 };
  readonly readers: DskitProcess[] = [];
  readonly #t: Test;
  readonly #options: ChurnOptions;
  #places: readonly Place[] = [];
  #processes = 0;
  #starts = 0;

  constructor(t: Test, options: ChurnOptions) {
    this.#t = t;
    this.#options = options;
  }

  /** The readers, and `members` that have joined. */
  async start(members: number): Promise<void> {
    const ports = await freePorts(2 * this.#options.partitions);
    this.#places = ports.map((gossipPort, i) => {
      const [zone, partition] = [i % 2 === 0 ? 'zone-a' : 'zone-b', i >> 1];
      return { id: `live-store-${zone}-${partition}`, zone, partition, gossipPort, process: null, deed: null };
    });
    this.readers.push(await this.#run({}));
    this.readers.push(await this.#run({}));
    for (const place of this.#places.slice(0, members)) await this.#join(place);
  }

  /** Ids of all members that there may be. */
  get ids(): readonly string[] {
    return this.#places.map(({ id }) => id);
  }

  /** Ports of all that gossip. */
  get gossipPorts(): readonly number[] {
    return [...this.#places.map(({ gossipPort }) => gossipPort), ...this.readers.map(({ at }) => Number(at.gossip.split(':')[1]))];
  }

  /** Does `count` things, up to `pauseMs` apart, several members at once. Resolves when all is done. */
  async act(count: number, pauseMs: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      await this.#actOnOne();
      await sleep(systemClock, this.#options.random() * pauseMs); // the pace of what happens; nothing is waited for
    }
    await Promise.all(this.#places.map(({ deed }) => deed));
  }

  async #actOnOne(): Promise<void> {
    let free = this.#places.filter(({ deed }) => deed === null);
    while (free.length === 0) {
      await Promise.race(this.#places.map(({ deed }) => deed));
      free = this.#places.filter(({ deed }) => deed === null);
    }
    const place = free[Math.floor(this.#options.random() * free.length)] as Place;
    const chance = this.#options.random();
    const deed = place.process === null ? 'join' : chance < 0.3 ? 'leave' : chance < 0.6 ? 'crash' : 'restart';
    this.done[deed] += 1;
    const acting = this.#act(place, deed).finally(() => {
      place.deed = null;
    });
    acting.catch(() => {}); // whoever waits for it gets to know
    place.deed = acting;
  }

  async #act(place: Place, deed: Deed): Promise<void> {
    const { process } = place;
    place.process = null;
    if (deed === 'leave') await process?.leave();
    else await process?.crash();
    await nextSecond();
    if (deed === 'join' || deed === 'restart') await this.#join(place);
  }

  async #join(place: Place): Promise<void> {
    const { id, zone, partition, gossipPort } = place;
    this.#starts += 1;
    place.process = await this.#run({ id, zone, partition, gossipPort, advertise: addressOf(this.#starts) });
  }

  async #run(options: DskitOptions): Promise<DskitProcess> {
    const { program, shared, lags } = this.#options;
    const isReader = options.id === undefined;
    this.#processes += 1;
    const name = String(this.#processes);
    const join = this.readers.map(({ at }) => at.gossip).filter((gossip) => gossip !== '');
    return await startDskit(this.#t, program, { ...shared, ...options, join }, (change) => {
      for (const { peers, anyone } of lags) for (const book of isReader ? [peers, anyone] : [anyone]) book.tell(name, change);
    });
  }
}

/** Of two entries of one second the first stays (ring/model.go): nobody starts again as fast as that. */
function nextSecond(): Promise<void> {
  return sleep(systemClock, 1000 - (Date.now() % 1000));
}
