// A live-store's sidecar announces it over a real nats-server: what the ring hears while parts are late, hang, die and come back.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import type { Member } from '../../src/membership/types.ts';
import { liveStore, type SidecarProcess, startSidecarProcess, type TestLiveStore } from '../support/announced-member.ts';
import { createClient } from '../support/h2-peers.ts';
import { natsBus, natsConnection, type Watched, watchBus } from '../support/nats-bus.ts';
import { type NatsServer, natsServer } from '../support/nats-server.ts';
import { freePort } from '../support/ports.ts';

t.setTimeout(180_000);

const ID = 'live-store-zone-a-0';
const PROGRAM = resolve(process.env['RINGWAY_PROGRAM'] ?? 'dist/bin/ringway.js');

interface Installation {
  readonly nats: NatsServer;
  readonly store: TestLiveStore;
  /** Where the sidecar listens. */
  readonly port: number;
  /** The bus as control watches it. */
  readonly ring: Watched;
  /** Words that start the sidecar. */
  readonly words: readonly string[];
  /** Resolves when the member stands in this state; '-': when it is not there. */
  stands(state: string): Promise<Member | undefined>;
}

/** Nothing but the watching runs; undefined when there is no nats-server. */
async function prepare(
  t: Test,
  options: { readonly isNatsUp?: boolean; readonly forgetAfterMs?: number } = {},
): Promise<Installation | undefined> {
  const nats = await natsServer(t);
  if (!nats) return undefined;
  if (options.isNatsUp ?? true) await nats.start();
  const store = await liveStore(t);
  const port = await freePort();
  const { forgetAfterMs = 120_000 } = options;
  const ring = watchBus(t, natsBus(t, natsConnection([nats.url]), { forgetAfterMs }));
  const here = ['--listen', `127.0.0.1:${port}`, '--local', `127.0.0.1:${store.port}`, '--advertise', `127.0.0.1:${port}`];
  const words = ['inbound', ...here, '--member', ID, '--zone', 'zone-a', '--nats', nats.url];
  const find = (members: readonly Member[]): Member | undefined => members.find(({ id }) => id === ID);
  return {
    ...{ nats, store, port, ring, words },
    stands: async (state) => find(await ring.when((members) => (find(members)?.state ?? '-') === state)),
  };
}

/** Whether a call through the sidecar reaches the live-store. */
async function serves(port: number): Promise<boolean> {
  const client = createClient(`127.0.0.1:${port}`);
  const { trailers } = await client.call();
  await client.close();
  return trailers['grpc-status'] === '0';
}

/** States that the member went through, in order, each once. */
function history({ events }: Watched): string[] {
  const states = events.flatMap((event) => (event.kind === 'members' ? (event.members.find(({ id }) => id === ID)?.state ?? '-') : []));
  return states.filter((state, i) => state !== states[i - 1]);
}

t.test('ACTIVE only while the live-store says SERVING', async (t) => {
  const all = await prepare(t);
  if (!all) return;
  const { store, ring } = all;
  const sidecar = await startSidecarProcess(t, [...all.words, '--health-tenant', 'ops']);
  t.match(
    await all.stands('JOINING'),
    { address: `127.0.0.1:${all.port}`, zone: 'zone-a', partition: 0 },
    'in the ring while nobody is there',
  );
  store.health = 'NOT_SERVING';
  await store.start();
  await sidecar.says('agent.health', 'not-serving');
  store.health = 'SERVING';
  await all.stands('ACTIVE');
  t.equal(store.tenant, 'ops');
  store.health = 'NOT_SERVING';
  await all.stands('LEAVING');
  store.health = 'SERVING';
  await all.stands('ACTIVE');
  store.health = 'hang';
  await all.stands('JOINING');
  store.health = 'SERVING';
  await all.stands('ACTIVE');
  await store.kill();
  await all.stands('JOINING');
  await store.start();
  await all.stands('ACTIVE');
  t.strictSame(history(ring), ['-', 'JOINING', 'ACTIVE', 'LEAVING', 'ACTIVE', 'JOINING', 'ACTIVE', 'JOINING', 'ACTIVE']);
  t.equal(await sidecar.terminate(), 'exit 0');
  await all.stands('-');
});

t.test('SIGTERM: LEAVING while its connections still go on, gone when they have ended', async (t) => {
  const all = await prepare(t);
  if (!all) return;
  await all.store.start();
  all.store.hold = true;
  const sidecar = await startSidecarProcess(t, all.words);
  await all.stands('ACTIVE');
  const client = createClient(`127.0.0.1:${all.port}`);
  const call = client.open();
  const ended = new Promise<unknown>((done) => call.once('trailers', done));
  call.end(Buffer.from([0, 0, 0, 0, 0]));
  await new Promise((done) => call.once('response', done));
  call.resume();
  const exit = sidecar.terminate();
  await all.stands('LEAVING');
  t.notOk(call.closed, 'the call goes on');
  all.store.release();
  t.ok(await ended, 'and ends as it should');
  await client.close();
  t.equal(await exit, 'exit 0');
  await all.stands('-');
  t.strictSame(history(all.ring).slice(-3), ['ACTIVE', 'LEAVING', '-']);
});

t.test('SIGKILL: it stays in the ring until its heartbeat is too old', async (t) => {
  const all = await prepare(t, { forgetAfterMs: 8_000 });
  if (!all) return;
  await all.store.start();
  const sidecar = await startSidecarProcess(t, all.words);
  await all.stands('ACTIVE');
  sidecar.child.kill();
  await sidecar.child.exited;
  const killedMs = Date.now();
  const last = all.ring.members()[0];
  t.match(last, { id: ID, state: 'ACTIVE' });
  await all.stands('-');
  const ageMs = Date.now() - (last?.heartbeatMs ?? 0);
  t.ok(ageMs >= 8_000, `forgotten when its heartbeat was ${ageMs} ms old`);
  t.ok(Date.now() - killedMs > 2_000, 'not when it was killed');
});

t.test('without NATS the sidecar serves and is ready; the member is announced when NATS comes', async (t) => {
  const all = await prepare(t, { isNatsUp: false });
  if (!all) return;
  await all.store.start();
  const probe = await freePort();
  const sidecar = await startSidecarProcess(t, [...all.words, '--probe', `127.0.0.1:${probe}`]);
  await sidecar.says('agent.bus_unavailable');
  t.ok(await serves(all.port));
  for (const page of ['ready', 'healthz']) t.equal((await fetch(`http://127.0.0.1:${probe}/${page}`)).status, 200, page);
  await all.nats.start();
  t.match(await all.stands('ACTIVE'), { id: ID });
  t.strictSame(history(all.ring), ['-', 'ACTIVE'], 'a live-store that serves is never said to be JOINING');
});

t.test('NATS restarted: a heartbeat within two seconds of its return; the member is the same', async (t) => {
  const all = await prepare(t);
  if (!all) return;
  await all.store.start();
  const sidecar = await startSidecarProcess(t, all.words);
  const before = await all.stands('ACTIVE');
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    await all.nats.stop(signal);
    await all.ring.failure();
    t.ok(await serves(all.port), 'traffic goes on');
    const backMs = Date.now();
    await all.nats.start();
    const members = await all.ring.when(([member]) => (member?.heartbeatMs ?? 0) > backMs);
    const heardMs = (members[0]?.heartbeatMs ?? 0) - backMs;
    t.ok(heardMs <= 2_000, `${signal}: heard again after ${heardMs} ms`);
    t.match(members, [{ id: ID, state: 'ACTIVE', registeredMs: before?.registeredMs }]);
  }
  t.equal(sidecar.of('agent.lost').length, 0);
});

t.test('it leaves while NATS is away: held, with one line, and done within two seconds of its return', async (t) => {
  const all = await prepare(t);
  if (!all) return;
  await all.store.start();
  const sidecar = await startSidecarProcess(t, [...all.words, '--drain-time', '60s']);
  await all.stands('ACTIVE');
  await all.nats.stop();
  const exit = sidecar.terminate();
  await sidecar.says('agent.leave_held');
  const client = createClient(`127.0.0.1:${all.port}`);
  t.not((await client.call()).headers[':status'], 200, 'it takes no calls any more');
  await client.close();
  await all.nats.start();
  const backMs = Date.now();
  t.equal(await exit, 'exit 0');
  t.ok(Date.now() - backMs <= 2_000, `gone after ${Date.now() - backMs} ms`);
  await all.stands('-');
  t.equal(sidecar.of('agent.leave_held').length, 1);
});

t.test('NATS away until the drain time is over: it ends all the same', async (t) => {
  const all = await prepare(t);
  if (!all) return;
  await all.store.start();
  const sidecar = await startSidecarProcess(t, [...all.words, '--drain-time', '2s']);
  await all.stands('ACTIVE');
  await all.nats.stop();
  const askedMs = performance.now();
  t.equal(await sidecar.terminate(), 'exit 0');
  const tookMs = performance.now() - askedMs;
  t.ok(tookMs >= 1_900 && tookMs < 8_000, `${Math.round(tookMs)} ms`);
  t.equal(sidecar.of('agent.leave_abandoned').length, 1);
});

t.test('two processes for one member: the newer has the place, the older is silent and goes on serving', async (t) => {
  const all = await prepare(t);
  if (!all) return;
  await all.store.start();
  const first = await startSidecarProcess(t, all.words);
  await all.stands('ACTIVE');
  const port = String(await freePort());
  const second = await startSidecarProcess(
    t,
    all.words.map((word) => word.replace(String(all.port), port)),
  );
  await all.ring.when(([member]) => member?.address === `127.0.0.1:${port}`);
  t.match(await first.says('agent.lost'), { level: 'error', member: ID });
  t.ok(await serves(all.port), 'its clients notice nothing');
  t.equal(await first.terminate(), 'exit 0');
  t.match(all.ring.members(), [{ id: ID, state: 'ACTIVE', address: `127.0.0.1:${port}` }], 'and it takes nobody with it');
  t.equal(second.of('agent.lost').length, 0);
  t.equal(
    all.ring.events.filter((event) => event.kind === 'members' && event.members.length !== 1).length,
    1,
    'but for the first event it was never away',
  );
});

t.test('a login that may not write is named, and traffic goes on', async (t) => {
  const nats = await natsServer(t, {
    config: 'authorization { users: [{ user: m, password: p, permissions: { publish: "nothing" } }, { user: c, password: p }] }',
  });
  if (!nats) return;
  await nats.start();
  const store = await liveStore(t);
  await store.start();
  const port = await freePort();
  const dir = t.testdir({ password: 'p\n' });
  const here = ['--listen', `127.0.0.1:${port}`, '--local', `127.0.0.1:${store.port}`, '--advertise', `127.0.0.1:${port}`];
  const login = ['--nats', nats.url, '--nats-user', 'm', '--nats-password-file', join(dir, 'password')];
  const sidecar: SidecarProcess = await startSidecarProcess(t, ['inbound', ...here, '--member', ID, ...login]);
  t.match(await sidecar.says('agent.refused'), { level: 'error', code: 'BUS_REFUSED', message: `"$KV.ringway.live-store.${ID}"` });
  t.ok(await serves(port));
  t.equal(await sidecar.terminate(), 'exit 0');
});

t.test('a printed bootstrap announces too: member from --service-node, address from $POD_IP', async (t) => {
  const all = await prepare(t);
  if (!all) return;
  await all.store.start();
  const file = join(t.testdir(), 'envoy.yaml');
  const flags = ['--listen', `:${all.port}`, '--local', `127.0.0.1:${all.store.port}`, '--zone', 'zone-b', '--nats', all.nats.url];
  await promisify(execFile)(process.execPath, [PROGRAM, 'bootstrap', 'inbound', ...flags, '--out', file]);
  t.notMatch(await readFile(file, 'utf8'), /10\.9\.8\.7/);
  const words = ['-c', file, '--service-node', 'live-store-zone-b-7', '--drain-time-s', '5'];
  const sidecar = await startSidecarProcess(t, words, { POD_IP: '10.9.8.7' });
  const [member] = await all.ring.when(([first]) => first?.state === 'ACTIVE');
  t.match(member, { id: 'live-store-zone-b-7', address: `10.9.8.7:${all.port}`, zone: 'zone-b', partition: 7 });
  t.equal(all.store.tenant, '0');
  t.equal(await sidecar.terminate(), 'exit 0');
  await all.ring.when((members) => members.length === 0);
});
