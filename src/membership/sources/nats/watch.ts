import type { NatsConnectionConfig } from '../../../config/index.ts';
import { createNatsBus } from '../../bus/index.ts';
import type { BusEvent, MembershipSource, RingName, SourceReport } from '../../types.ts';
import type { SourceDeps } from '../types.ts';
import type { NatsSourceOptions } from './options.ts';

/** Members that announce themselves over NATS. Their heartbeats are those they wrote; partitions have no state of their own. */
export function createNatsSource(options: NatsSourceOptions, deps: SourceDeps): MembershipSource {
  return { name: options.name, watch: (signal) => watchBus(options, deps, signal) };
}

async function* watchBus(
  { ring, servers, login, tls, bucket, replicas, forgetAfterMs }: NatsSourceOptions,
  deps: SourceDeps,
  signal: AbortSignal,
): AsyncGenerator<SourceReport, void, undefined> {
  const connection: NatsConnectionConfig = { servers, login, tls, bucket };
  const bus = createNatsBus({ ring, connection, replicas, forgetAfterMs, looksOnly: !deps.mayWrite }, deps);
  try {
    for await (const event of bus.watch(signal)) yield reportOf(ring, event);
  } finally {
    await bus.close();
  }
}

function reportOf(ring: RingName, event: BusEvent): SourceReport {
  return event.kind === 'failed' ? event : { ...event, ring, partitions: [] };
}
