import type { Random } from '../../core/index.ts';
import type { Host } from './host.ts';
import type { CreateScheduler, Scheduler } from './lb/types.ts';
import { type LoadOptions, type PriorityLoad, priorityLoad } from './priority-load.ts';

/** Hosts that may be picked together, with the policy's place in them. */
class HostList {
  readonly hosts: readonly Host[];
  readonly #create: () => Scheduler;
  #scheduler: Scheduler | undefined;

  constructor(hosts: readonly Host[], create: (hosts: readonly Host[]) => Scheduler) {
    this.hosts = hosts;
    this.#create = () => create(hosts);
  }

  get size(): number {
    return this.hosts.length;
  }

  next(): Host | undefined {
    if (this.hosts.length === 0) return undefined;
    this.#scheduler ??= this.#create();
    return this.#scheduler.next();
  }
}

/** One priority. */
export interface Level {
  readonly all: HostList;
  readonly healthy: HostList;
  readonly degraded: HostList;
}

export interface HostSetOptions extends LoadOptions {
  readonly createScheduler: CreateScheduler;
  readonly random: Random;
}

/** What a pick found: the host, and whether panic chose among unhealthy ones too. */
export interface Pick {
  readonly host: Host | undefined;
  readonly panic: boolean;
}

const NONE: Pick = { host: undefined, panic: false };

/** All hosts of a cluster by priority and health at one moment. Immutable but for the policies' places. */
export class HostSet {
  readonly hosts: readonly Host[];
  readonly levels: readonly Level[];
  readonly load: PriorityLoad;
  readonly options: HostSetOptions;

  constructor(hosts: readonly Host[], options: HostSetOptions) {
    this.hosts = hosts;
    this.options = options;
    const depth = hosts.reduce((max, host) => Math.max(max, host.priority + 1), 1);
    const list = (members: readonly Host[]): HostList => new HostList(members, (some) => options.createScheduler(some, options.random));
    this.levels = Array.from({ length: depth }, (_, priority) => {
      const all = hosts.filter((host) => host.priority === priority);
      const of = (health: Host['health']): HostList => list(all.filter((host) => host.health === health));
      return { all: list(all), healthy: of('healthy'), degraded: of('degraded') };
    });
    this.load = priorityLoad(this.health(), options);
  }

  /** Hosts by health for each priority, for load calculations. */
  health(): { readonly total: number; readonly healthy: number; readonly degraded: number }[] {
    return this.levels.map(({ all, healthy, degraded }) => ({ total: all.size, healthy: healthy.size, degraded: degraded.size }));
  }

  /** Picks by `load`: a priority by its share, then a host of it by the policy. */
  pick(load: Shares = this.load): Pick {
    if (load.healthy[0] === 100 && this.load.panic[0] === false) return { host: this.#level(0).healthy.next(), panic: false };
    let left = this.options.random() * 100;
    for (const kind of ['healthy', 'degraded'] as const) {
      for (let priority = 0; priority < load[kind].length; priority += 1) {
        left -= load[kind][priority] as number;
        if (left < 0) return this.#pickIn(priority, kind);
      }
    }
    return NONE;
  }

  #pickIn(priority: number, kind: 'healthy' | 'degraded'): Pick {
    const level = this.#level(priority);
    if (this.load.panic[priority]) return { host: level.all.next(), panic: true };
    return { host: level[kind].next(), panic: false };
  }

  #level(priority: number): Level {
    return this.levels[priority] as Level;
  }
}

type Shares = Omit<PriorityLoad, 'panic'>;
