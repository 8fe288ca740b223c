import type { NatsConnectionConfig } from '../../../config/index.ts';
import type { MemberId, MembershipBus, RingName } from '../../types.ts';
import { assertOwn } from '../lease.ts';
import { type Pace, rosterFeed } from '../roster-feed.ts';
import { NatsLease, NatsLeases } from './leases.ts';
import { type NatsDeps, NatsLink } from './link.ts';
import { createOrigin } from './origin.ts';
import { inboxPrefix } from './subjects.ts';

/** What a bus over NATS is told. */
export interface NatsBusOptions {
  readonly ring: RingName;
  readonly connection: NatsConnectionConfig;
  /** The member whose login it is: answers then come in at `_INBOX_<member>`, which the login of another cannot read. Default: `_INBOX`. */
  readonly member?: MemberId;
  /** Copies of the bucket, if `watch` has to create it. Default 1. */
  readonly replicas?: number;
  /** A member without a heartbeat for this long is taken out by whoever watches, ms. Default 2 minutes. */
  readonly forgetAfterMs?: number;
  /** `watch` creates no bucket and takes nobody out of it. Default false. */
  readonly looksOnly?: boolean;
}

const PACE: Pace = { changeGapMs: 100, heartbeatGapMs: 1000 };

/** A bus of one ring over NATS: one key a member in a JetStream key-value bucket. Connects with the first call. */
export function createNatsBus(
  { ring, connection, member, replicas = 1, forgetAfterMs = 120_000, looksOnly = false }: NatsBusOptions,
  deps: NatsDeps,
): MembershipBus {
  const { clock, random } = deps;
  const { bucket } = connection;
  const inbox = inboxPrefix(member ?? null);
  const link = new NatsLink(connection, inbox, deps);
  const leases = new NatsLeases({ ring, bucket, link, clock });
  const closing = new AbortController();
  const origin = createOrigin({ ring, bucket, replicas, forgetAfterMs, looksOnly, inbox, clock, random }, link);

  return {
    connected: link.connected,
    join: (announcement) => leases.join(announcement),
    async setState(lease, state) {
      assertOwn(lease, NatsLease);
      await leases.write(lease, state);
    },
    async heartbeat(lease) {
      assertOwn(lease, NatsLease);
      await leases.write(lease, null);
    },
    async leave(lease) {
      assertOwn(lease, NatsLease);
      await leases.leave(lease);
    },
    watch: (signal) => rosterFeed(AbortSignal.any([signal, closing.signal]), origin, { clock, forgetAfterMs, pace: PACE }),
    async close() {
      closing.abort();
      await link.close();
    },
  };
}
