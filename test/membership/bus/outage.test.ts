// What the catalog says while the bus is away for minutes, and after it.
import t from 'tap';
import { createConfig } from '../../../src/config/index.ts';
import { Observable, RingwayError } from '../../../src/core/index.ts';
import { createMemoryBus } from '../../../src/membership/bus/index.ts';
import { MembershipHub } from '../../../src/membership/index.ts';
import type { Lease, MembershipSource } from '../../../src/membership/types.ts';
import { MetricRegistry, silentLogger } from '../../../src/telemetry/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';

t.test('five minutes without the bus: the catalog says the same, then what happened, within two seconds', async (t) => {
  const clock = new FakeClock();
  const connected = new Observable(true);
  const bus = createMemoryBus({ clock, connected });
  const source: MembershipSource = {
    name: 'bus',
    async *watch(signal) {
      for await (const event of bus.watch(signal)) yield event.kind === 'failed' ? event : { ...event, ring: 'r', partitions: [] };
    },
  };
  const config = createConfig('f', { rings: { r: { sources: [{ static: { file: 'f' } }] } } }).rings.get('r');
  if (config === undefined) throw new Error('no ring');
  const hub = new MembershipHub([{ name: 'r', sources: [source], config }], { clock, logger: silentLogger, metrics: new MetricRegistry() });
  await hub.start();
  t.teardown(() => hub.stop());
  const health = (): Record<string, boolean> =>
    Object.fromEntries((hub.catalog.value.rings.get('r')?.members ?? []).map(({ id, unhealthy }) => [id, unhealthy === null]));
  const join = (id: string, host: number): Promise<Lease> =>
    bus.join({ id, address: `10.0.0.${host}:9096`, zone: '', partition: null, state: 'ACTIVE' });
  const living = await Promise.all(['a', 'b', 'c', 'd'].map(join));
  const leaving = await join('leaving', 8);
  await join('dying', 9);
  const beat = async (): Promise<void> => {
    for (const lease of living) await bus.heartbeat(lease).catch((error) => t.type(error, RingwayError));
  };
  const timer = (): void => {
    void beat();
    clock.after(5000, timer);
  };
  timer();
  await clock.advance(10_000);
  const all = { a: true, b: true, c: true, d: true, dying: true, leaving: true };
  t.strictSame(health(), all);

  connected.set(false);
  for (let s = 0; s < 300; s += 1) {
    await clock.advance(1000);
    t.strictSame(health(), all);
  }
  connected.set(true);
  await beat();
  await bus.leave(leaving);
  await join('new', 10);
  await clock.advance(100);
  t.strictSame(health(), { a: true, b: true, c: true, d: true, dying: true, new: true });
  await clock.advance(1900);
  t.strictSame(health(), { a: true, b: true, c: true, d: true, dying: false, new: true });
});
