// A querier's calls as dskit makes them: what the ring says is what it dials, with its own pool of connections and snappy.
import t from 'tap';
import { formatHostPort } from '../../src/core/index.ts';
import { type DskitCall, type DskitProcess, startDskit } from '../support/dskit-process.ts';
import { goProgram } from '../support/go.ts';
import { freePorts } from '../support/ports.ts';
import { type SidecarKind, sidecarProgram, startEgressOf, startInbound } from './installation.ts';

const KINDS: readonly SidecarKind[] = ['ringway', 'envoy'];
const ZONES = ['zone-a', 'zone-b'] as const;

t.setTimeout(300_000); // of it two minutes for the first compilation

for (const kind of KINDS)
  t.test(`${kind}: to the advertised addresses, and through a sidecar beside the querier`, async (t) => {
    const [dskit, program] = [await goProgram(t, 'dskit'), sidecarProgram(t, kind)];
    if (dskit === undefined || program === undefined) return;
    const known = Promise.withResolvers<void>();
    const entries = new Set(ZONES.flatMap((zone) => [`instance live-store-${zone}-0`, `owner live-store-${zone}-0`]));
    const querier = await startDskit(t, dskit, {}, ({ entry }) => {
      if (entries.delete(entry) && entries.size === 0) known.resolve();
    });
    const ports = await freePorts(2);
    const inbound = await Promise.all(ports.map((port) => startInbound(t, program, { host: '127.0.0.1', port })));
    const addresses = inbound.map(({ address }) => formatHostPort(address));
    const stores: DskitProcess[] = [];
    for (const [i, zone] of ZONES.entries()) {
      const place = { id: `live-store-${zone}-0`, zone, partition: 0, advertise: addresses[i] as string, grpcPort: ports[i] as number };
      stores.push(await startDskit(t, dskit, { ...place, join: [querier.at.gossip] }));
    }
    await known.promise;
    const good = ZONES.map((zone, i): DskitCall => answer(`live-store-${zone}-0`, addresses[i] as string, `live-store-${zone}-0`));
    t.strictSame(await querier.dial(), good, 'each live-store answers behind its own sidecar');

    const egress = await startEgressOf(t, program, { tempo: { urls: [`http://${querier.at.http}`], every: '200ms' } });
    const through = formatHostPort(egress.address);
    t.strictSame(await querier.dial(through), good, 'each call ends at the live-store that it is meant for');

    await stores[0]?.crash();
    const [failed, other] = await querier.dial();
    t.match(failed, { id: 'live-store-zone-a-0', health: '', message: / code = Unavailable / }, 'the ring still calls it healthy');
    t.strictSame(other, good[1]);
    const saved = answer('live-store-zone-a-0', addresses[0] as string, 'live-store-zone-b-0');
    t.strictSame(await querier.dial(through), [saved, good[1]], "the partition's other owner answers for it");
  });

function answer(id: string, address: string, servedBy: string): DskitCall {
  return { id, address, health: 'SERVING', code: 'OK', message: '', servedBy, authority: address, encoding: 'snappy' };
}
