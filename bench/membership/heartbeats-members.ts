import { systemClock, systemRandom } from '../../src/core/index.ts';
import { createNatsBus } from '../../src/membership/bus/index.ts';
import type { Lease } from '../../src/membership/types.ts';
import { largeRing } from './large-ring.ts';

/** Joins that wait for their answer at once. */
const BATCH = 200;

/**
 * So many members announce themselves over NATS, all from this process, which ends with its parent; everyMs 0: they say nothing after they
 * have joined. Tells the parent when all have.
 */
export async function announceMembers(url: string, count: number, everyMs: number): Promise<void> {
  const connection = { servers: [url], login: null, tls: null, bucket: 'ringway' };
  const bus = createNatsBus({ ring: 'live-store', connection }, { clock: systemClock, random: systemRandom, readSecret: async () => '' });
  const members = largeRing(count, 0);
  const leases: Lease[] = [];
  for (let i = 0; i < members.length; i += BATCH)
    leases.push(...(await Promise.all(members.slice(i, i + BATCH).map((member) => bus.join(member)))));
  process.on('disconnect', () => process.exit(0));
  process.send?.('ready');
  if (everyMs === 0) return;
  for (const [i, lease] of leases.entries()) {
    const beat = (): Promise<void> => bus.heartbeat(lease).catch((error) => console.error(error.message));
    setTimeout(() => setInterval(beat, everyMs), (i / leases.length) * everyMs);
  }
}
