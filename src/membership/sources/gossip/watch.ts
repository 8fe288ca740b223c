import { follow } from '../../../core/index.ts';
import { createDnsClient } from '../../../transport/dns/index.ts';
import type { MembershipSource, SourceReport } from '../../types.ts';
import type { SourceDeps } from '../types.ts';
import { GossipObserver } from './observer.ts';
import type { GossipSourceOptions } from './options.ts';
import type { SeedDns } from './seeds.ts';

/**
 * The rings as Tempo's gossip has them, by an observer that nobody notices: it asks members of the gossip for all they know and tells them
 * nothing. Up to 16 peers are asked, each on its own, so one that hangs delays nobody; what they say is merged, and what one has said counts
 * until nobody has said it for as long as gossip may take. A peer that fails is a warning while another works. Only the first report waits
 * until each peer of the seeds has answered or failed: one that has just started knows a part of the ring.
 */
export function createGossipSource(
  options: GossipSourceOptions,
  deps: SourceDeps,
  createDns: () => SeedDns = () => createDnsClient({ servers: [], timeoutMs: options.timeoutMs, clock: deps.clock, random: deps.random }),
): MembershipSource {
  return {
    name: options.name,
    watch: (signal) =>
      follow<SourceReport>(signal, (put) => {
        const observer = new GossipObserver(options, deps, createDns(), put);
        observer.start();
        return () => observer.stop();
      }),
  };
}
