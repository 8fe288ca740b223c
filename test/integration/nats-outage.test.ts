// Real nats-servers that stop, hang, forget or are killed; nobody may be lost for that.
import t, { type Test } from 'tap';
import type { Lease, Member, MembershipBus } from '../../src/membership/types.ts';
import { natsBus, natsConnection, watchBus } from '../support/nats-bus.ts';
import { leaderOf, natsCluster } from '../support/nats-cluster.ts';
import { type NatsServer, natsServer } from '../support/nats-server.ts';

t.setTimeout(180_000);

/** What happens within this time of the return of a server counts as at once. */
const AT_ONCE_MS = 2000;

/** A member that says every second that it is there, as an agent does: again when it fails, and at once when the bus is back. */
class Announced {
  readonly bus: MembershipBus;
  readonly #lease: Lease;
  readonly #timer: NodeJS.Timeout;
  #isLeaving = false;

  static async join(t: Test, servers: readonly string[], id: string): Promise<Announced> {
    const bus = natsBus(t, natsConnection(servers), { member: id });
    const lease = await retry(() => bus.join({ id, address: '10.0.0.1:9096', zone: 'zone-a', partition: 0, state: 'ACTIVE' }));
    return new Announced(t, bus, lease);
  }

  private constructor(t: Test, bus: MembershipBus, lease: Lease) {
    this.bus = bus;
    this.#lease = lease;
    this.#timer = setInterval(() => this.#beat(), 1000);
    t.teardown(() => this.die());
    bus.connected.subscribe((isConnected) => isConnected && this.#beat());
  }

  get isLost(): boolean {
    return this.#lease.lost.aborted;
  }

  /** Says nothing any more. */
  die(): void {
    clearInterval(this.#timer);
    this.#isLeaving = true;
  }

  async leave(): Promise<void> {
    this.die();
    await retry(() => this.bus.leave(this.#lease));
  }

  #beat(): void {
    if (!this.#isLeaving) this.bus.heartbeat(this.#lease).catch(() => {});
  }
}

/** While the bus cannot be reached. */
async function retry<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if ((error as { code?: string }).code !== 'BUS_UNAVAILABLE') throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const ids = (members: readonly Member[]): readonly string[] => members.map(({ id }) => id);
const urls = (servers: readonly NatsServer[]): readonly string[] => servers.map(({ url }) => url);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The greatest age that was ever said, ms. */
function oldest(watched: { readonly events: ReturnType<typeof watchBus>['events'] }, but: readonly string[] = []): number {
  const ages = watched.events.flatMap((event) =>
    event.kind === 'members'
      ? event.members.filter(({ id }) => !but.includes(id)).map(({ heartbeatMs }) => event.asOfMs - (heartbeatMs ?? 0))
      : [],
  );
  return Math.max(...ages);
}

t.test('a server that is away for a while: who joined or left meanwhile is right at once, nobody ages', async (t) => {
  const server = await natsServer(t);
  if (server === undefined) return;
  await server.start();
  const seen = watchBus(t, natsBus(t, natsConnection([server.url])));
  await seen.when(() => true);
  const members = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => Announced.join(t, [server.url], id)));
  await seen.when(({ length }) => length === 5);
  await server.stop();
  const left = members[0]?.leave();
  members[1]?.die();
  const joined = Announced.join(t, [server.url], 'new');
  await seen.failure();
  await sleep(4000);
  t.strictSame(ids(seen.members()), ['a', 'b', 'c', 'd', 'e']);
  await server.start();
  const sinceMs = Date.now();
  await Promise.all([left, joined, seen.when((now) => ids(now).join() === 'b,c,d,e,new')]);
  t.ok(Date.now() - sinceMs < AT_ONCE_MS, `${Date.now() - sinceMs} ms`);
  const [dead] = await seen.when((now, { asOfMs }) => now.some(({ id, heartbeatMs }) => id === 'b' && asOfMs - (heartbeatMs ?? 0) > 5000));
  t.equal(dead?.id, 'b', 'who died meanwhile is as old as he is, after a while');
  t.ok(oldest(seen, ['a', 'b']) < 4000, `${oldest(seen, ['a', 'b'])} ms`);
  t.notOk(members.some(({ isLost }) => isLost));
});

t.test('a server that comes back without its memory', async (t) => {
  const server = await natsServer(t);
  const empty = server && (await natsServer(t));
  if (server === undefined || empty === undefined) return;
  await server.start();
  const seen = watchBus(t, natsBus(t, natsConnection([server.url, empty.url])));
  await seen.when(() => true);
  const members = await Promise.all(['a', 'b', 'c'].map((id) => Announced.join(t, [server.url, empty.url], id)));
  await seen.when(({ length }) => length === 3);
  const before = seen.events.length;
  await server.stop();
  await empty.start();
  await seen.when(
    (now, { asOfMs }) => now.length === 3 && now.every(({ heartbeatMs }) => asOfMs - (heartbeatMs ?? 0) < 900) && asOfMs > Date.now() - 900,
  );
  t.ok(seen.events.slice(before).every((event) => event.kind === 'failed' || event.members.length === 3));
  t.notOk(members.some(({ isLost }) => isLost));
});

t.test('a server that hangs, its connections open', async (t) => {
  const server = await natsServer(t);
  if (server === undefined) return;
  await server.start();
  const seen = watchBus(t, natsBus(t, natsConnection([server.url])));
  await seen.when(() => true);
  const member = await Announced.join(t, [server.url], 'a');
  await seen.when(({ length }) => length === 1);
  server.pause();
  await t.rejects(member.bus.join({ id: 'b', address: 'b:1', zone: '', partition: null, state: 'ACTIVE' }), { code: 'BUS_UNAVAILABLE' });
  await seen.failure();
  server.proceed();
  const after = await seen.when(
    (now, { asOfMs }) => now.length > 0 && now.every(({ heartbeatMs }) => asOfMs - (heartbeatMs ?? 0) < 900) && asOfMs > Date.now() - 500,
  );
  t.ok(ids(after).includes('a'));
  t.notOk(member.isLost);
});

t.test('one of three servers is killed, the one that leads the bucket: nothing is noticed', async (t) => {
  const servers = await natsCluster(t);
  if (servers === undefined) return;
  const seen = watchBus(t, natsBus(t, natsConnection(urls(servers)), { replicas: 3 }));
  await seen.when(() => true);
  const members = await Promise.all(['a', 'b', 'c'].map((id) => Announced.join(t, urls(servers), id)));
  await seen.when(({ length }) => length === 3);
  const failuresAtStart = seen.failures().length;
  const leader = await leaderOf(servers, 'ringway');
  const before = seen.events.length;
  await leader.stop();
  const joined = Announced.join(t, urls(servers), 'd');
  await seen.when((now) => ids(now).includes('d'));
  await joined;
  await members[2]?.leave();
  await seen.when((now) => ids(now).join() === 'a,b,d');
  t.equal(seen.failures().length, failuresAtStart);
  const lost = seen.events
    .slice(before)
    .filter((event) => event.kind === 'members' && !['a,b,c', 'a,b,c,d', 'a,b,d'].includes(ids(event.members).join()));
  t.strictSame(lost, []);
  t.ok(oldest(seen) < 10_000, `${oldest(seen)} ms`);
  t.notOk(members.some(({ isLost }) => isLost));
});
