// Members that announce themselves over NATS, all in this process: node heartbeats-members.ts URL COUNT EVERY_MS. Says "ready" when all
// have joined, and ends with its parent.
import { systemClock, systemRandom } from '../../src/core/index.ts';
import { createNatsBus } from '../../src/membership/bus/index.ts';
import type { Lease } from '../../src/membership/types.ts';
import { largeRing } from './large-ring.ts';

const [url = '', count = '0', every = '0'] = process.argv.slice(2);
/** Joins that wait for their answer at once. */
const BATCH = 200;

const connection = { servers: [url], login: null, tls: null, bucket: 'ringway' };
const bus = createNatsBus({ ring: 'live-store', connection }, { clock: systemClock, random: systemRandom, readSecret: async () => '' });
const members = largeRing(Number(count), 0);
const leases: Lease[] = [];
for (let i = 0; i < members.length; i += BATCH)
  leases.push(...(await Promise.all(members.slice(i, i + BATCH).map((member) => bus.join(member)))));
process.send?.('ready');
process.on('disconnect', () => process.exit(0));

const everyMs = Number(every);
if (everyMs > 0) {
  for (const [i, lease] of leases.entries())
    setTimeout(
      () => setInterval(() => bus.heartbeat(lease).catch((error) => console.error(error.message)), everyMs),
      (i / leases.length) * everyMs,
    );
}
