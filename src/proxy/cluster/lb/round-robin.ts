import type { Random } from '../../../core/index.ts';
import type { Host } from '../host.ts';
import type { Scheduler } from './types.ts';
import { isUniform } from './weights.ts';

/**
 * ROUND_ROBIN. With equal weights one after another from a random start; with others earliest deadline first: a host of weight w
 * comes every 1/w, so that its turns are spread out.
 */
export function createRoundRobin(hosts: readonly Host[], random: Random): Scheduler {
  return isUniform(hosts) ? new Rotation(hosts, random) : new EarliestDeadline(hosts, random);
}

class Rotation implements Scheduler {
  readonly #hosts: readonly Host[];
  #at: number;

  constructor(hosts: readonly Host[], random: Random) {
    this.#hosts = hosts;
    this.#at = Math.floor(random() * hosts.length);
  }

  next(): Host {
    const host = this.#hosts[this.#at] as Host;
    this.#at = this.#at + 1 === this.#hosts.length ? 0 : this.#at + 1;
    return host;
  }
}

interface Turn {
  readonly host: Host;
  deadline: number;
}

class EarliestDeadline implements Scheduler {
  readonly #turns: Turn[];

  constructor(hosts: readonly Host[], random: Random) {
    this.#turns = hosts.map((host) => ({ host, deadline: 1 / host.endpoint.weight }));
    // replicas that start together must not all begin with the same host
    for (let skip = Math.floor(random() * hosts.length); skip > 0; skip -= 1) this.next();
  }

  next(): Host {
    let first = this.#turns[0] as Turn;
    for (const turn of this.#turns) if (turn.deadline < first.deadline) first = turn;
    first.deadline += 1 / first.host.endpoint.weight;
    return first.host;
  }
}
