import type { Test } from 'tap';
import { createSecretReader, type NatsConnectionConfig } from '../../src/config/index.ts';
import { systemClock, systemRandom } from '../../src/core/index.ts';
import { createNatsBus, type NatsBusOptions, type NatsDeps } from '../../src/membership/bus/index.ts';
import type { BusEvent, Member, MembershipBus } from '../../src/membership/types.ts';

/** The world as it is. */
const NATS_DEPS: NatsDeps = { clock: systemClock, random: systemRandom, readSecret: createSecretReader(process.env) };

/** Without login and TLS. */
export function natsConnection(servers: readonly string[], fields: Partial<NatsConnectionConfig> = {}): NatsConnectionConfig {
  return { servers, login: null, tls: null, bucket: 'ringway', ...fields };
}

/** A bus of the ring `live-store` that ends with the test. */
export function natsBus(
  t: Test,
  connection: NatsConnectionConfig,
  options: Partial<NatsBusOptions> = {},
  deps: Partial<NatsDeps> = {},
): MembershipBus {
  const bus = createNatsBus({ ring: 'live-store', connection, ...options }, { ...NATS_DEPS, ...deps });
  t.teardown(() => bus.close());
  return bus;
}

/** What a bus says, until the test ends. */
export interface Watched {
  readonly events: readonly BusEvent[];
  /** The last members it said; empty before. */
  members(): readonly Member[];
  /** The failures it said, as texts. */
  failures(): readonly string[];
  /** Resolves with the members when they are as wanted. */
  when(wanted: (members: readonly Member[], event: Extract<BusEvent, { kind: 'members' }>) => boolean): Promise<readonly Member[]>;
  /** Resolves with the first failure. */
  failure(): Promise<Extract<BusEvent, { kind: 'failed' }>>;
}

export function watchBus(t: Test, bus: MembershipBus): Watched {
  const stop = new AbortController();
  const events: BusEvent[] = [];
  let wake = (): void => {};
  let changed = Promise.resolve();
  const renew = (): void => {
    changed = new Promise((resolve) => {
      wake = resolve;
    });
  };
  renew();
  const reading = (async () => {
    for await (const event of bus.watch(stop.signal)) {
      events.push(event);
      wake();
      renew();
    }
  })();
  t.teardown(async () => {
    stop.abort();
    await reading;
  });
  const find = async <T>(look: (event: BusEvent) => T | undefined): Promise<T> => {
    for (let i = 0; ; i += 1) {
      while (i >= events.length) await changed;
      const found = look(events[i] as BusEvent);
      if (found !== undefined) return found;
    }
  };
  return {
    events,
    members: () => events.findLast((event) => event.kind === 'members')?.members ?? [],
    failures: () => events.flatMap((event) => (event.kind === 'failed' ? event.error.message : [])),
    when: async (wanted) => {
      const last = events.at(-1);
      if (last?.kind === 'members' && wanted(last.members, last)) return last.members;
      const from = events.length;
      let index = 0;
      return find((event) => (index++ >= from && event.kind === 'members' && wanted(event.members, event) ? event.members : undefined));
    },
    failure: () => find((event) => (event.kind === 'failed' ? event : undefined)),
  };
}
