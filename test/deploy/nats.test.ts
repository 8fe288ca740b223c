// deploy/nats and deploy/kubernetes/nats: a login writes its own member's key and nothing else, on the servers as they are deployed.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, headers, type NatsConnection, nkeyAuthenticator, nkeys } from '@nats-io/transport-node';
import t, { type Test } from 'tap';
import { systemClock, systemRandom } from '../../src/core/index.ts';
import { createNatsBus } from '../../src/membership/bus/index.ts';
import type { Member, MembershipBus } from '../../src/membership/types.ts';
import { peer } from '../support/peers.ts';
import { accounts, filesOf, MEMBERS } from './installation.ts';
import { type NatsCluster, startNatsCluster } from './nats-cluster.ts';

const [A, B] = MEMBERS;
const SCRIPT = 'deploy/nats/make-accounts.mjs';

t.test('the three servers, and what each login may do', { timeout: 60_000 }, async (t) => {
  const binary = peer(t, 'nats-server');
  if (binary === undefined) return;
  const cluster = await startNatsCluster(t, binary, [A, B]);
  const control = bus(t, cluster, null);
  const members = watchMembers(t, control);
  const [a, b] = [bus(t, cluster, A), bus(t, cluster, B)];
  await members.next(() => true, 'control has made the bucket');
  const lease = await a.join({ id: A, address: '10.1.2.3:9096', zone: 'zone-a', partition: 0, state: 'JOINING' });
  await b.join({ id: B, address: '10.1.2.4:9096', zone: 'zone-b', partition: 0, state: 'ACTIVE' });
  await a.setState(lease, 'ACTIVE');
  const both = [
    [A, '10.1.2.3:9096', 'ACTIVE'],
    [B, '10.1.2.4:9096', 'ACTIVE'],
  ];
  const seen = (list: readonly Member[]): unknown => list.map(({ id, address, state }) => [id, address, state]);
  await members.next((list) => JSON.stringify(seen(list)) === JSON.stringify(both), 'control sees both');

  await t.test('the bucket has a copy on each server', async (t) => {
    const nc = await login(t, cluster, 'control.nk', '_INBOX');
    const info = (await nc.request('$JS.API.STREAM.INFO.KV_ringway')).json<{ config: { num_replicas: number } }>();
    t.equal(info.config.num_replicas, 3);
  });

  await t.test('A may not touch B', async (t) => {
    const nc = await login(t, cluster, `${A}.nk`, `_INBOX_${A}`);
    const keyOf = (member: string): string => `$KV.ringway.live-store.${member}`;
    const refused = refusals(nc);
    for (const subject of [
      keyOf(B),
      `ringway.live-store.${B}.left`,
      `$JS.API.DIRECT.GET.KV_ringway.${keyOf(B)}`,
      '$JS.API.STREAM.INFO.KV_ringway',
      '$JS.API.STREAM.PURGE.KV_ringway',
      '$JS.API.STREAM.DELETE.KV_ringway',
      '$JS.API.STREAM.MSG.DELETE.KV_ringway',
      '$JS.API.CONSUMER.CREATE.KV_ringway.mine',
      `_INBOX_${B}.x`,
      '_INBOX.x',
      '$SYS.REQ.SERVER.PING',
    ]) {
      nc.publish(subject, '{}');
      t.match(await refused(), `Permissions Violation for Publish to "${subject}"`, subject);
    }
    for (const subject of ['>', '$KV.>', 'ringway.>', `_INBOX_${B}.>`, '_INBOX.>']) {
      nc.subscribe(subject);
      t.match(await refused(), `Permissions Violation for Subscription to "${subject}"`, subject);
    }
    const rollUp = headers();
    rollUp.set('Nats-Rollup', 'all');
    const own = await nc.request(keyOf(A), '{}', { timeout: 5000, headers: rollUp });
    t.match(own.json(), { error: { description: 'rollup not permitted' } }, 'a roll-up of its own key would drop everybody else');
    // Where the answer to a request goes is the asker's to say: not into another's key, and not into the API.
    for (const reply of [keyOf(B), '$JS.API.STREAM.DELETE.KV_ringway']) {
      nc.publish(`$JS.API.DIRECT.GET.KV_ringway.${keyOf(A)}`, '', { reply });
      nc.publish(keyOf(A), '{}', { reply });
    }
    await nc.flush();
    const again = await a.join({ id: A, address: '10.1.2.3:9096', zone: 'zone-a', partition: 0, state: 'PENDING' });
    await members.next((list) => list.some(({ id, state }) => id === A && state === 'PENDING'), 'what came after all that has arrived');
    await a.setState(again, 'ACTIVE');
    await members.next((list) => list.some(({ id, state }) => id === A && state === 'ACTIVE'), 'and the last word');
    t.strictSame(seen(members.latest()), both, 'and all is as it was');
  });

  await t.test('who has no login gets nothing', async (t) => {
    await t.rejects(connect({ servers: [...cluster.urls], reconnect: false }), /Authorization Violation/);
    const stranger = nkeyAuthenticator(nkeys.createUser().getSeed());
    await t.rejects(connect({ servers: [...cluster.urls], reconnect: false, authenticator: stranger }), /Authorization Violation/);
    const log = await cluster.logOf(
      `listen: 127.0.0.1:-1\ncluster { name: ringway, listen: "127.0.0.1:-1", routes: ["nats://${cluster.routes[0]}"] }\n`,
      /Authorization Violation/,
    );
    t.match(log, 'Authorization Violation', 'a server without the password is no route');
    const { routes } = (await (await fetch(`${cluster.monitors[0]}/routez`)).json()) as { routes: readonly { remote_name: string }[] };
    t.strictSame([...new Set(routes.map((route) => route.remote_name))].sort(), ['ringway-nats-1', 'ringway-nats-2']);
  });

  await t.test('the probes’ pages answer', async (t) => {
    const golden = readFileSync('test/golden/deploy/ringway.yaml', 'utf8');
    const pages = [...golden.matchAll(/path: (\/healthz\S*)\n\s+port: monitor/g)].map(([, page]) => page as string);
    t.equal(pages.length, 3);
    for (const page of pages) t.match(await (await fetch(`${cluster.monitors[0]}${page}`)).json(), { status: 'ok' }, page);
  });
});

t.test('seeds that are there stay, members that are gone lose their login', async (t) => {
  const made = accounts([A, B]);
  const again = accounts(['--keep', '-', A, 'tempo-live-store-zone-a-1'], JSON.stringify({ kind: 'List', items: made }));
  const [before, after] = [filesOf(...made), filesOf(...again)];
  for (const file of ['control.nk', 'cluster.conf', `${A}.nk`]) t.equal(after[file], before[file], file);
  t.notOk(`${B}.nk` in after);
  t.notMatch(after['accounts.conf'], B);
  t.match(after['tempo-live-store-zone-a-1.nk'], /^SU[A-Z2-7]{56}\n$/);
  t.equal(publicKeys(after['accounts.conf'])[1], publicKeys(before['accounts.conf'])[1]);
});

t.test('the first time there is nothing to keep; more servers keep the password of the routes', async (t) => {
  const made = accounts(['--keep', '-', A], '');
  t.match(filesOf(...made)['control.nk'], /^SU[A-Z2-7]{56}\n$/, 'kubectl prints nothing where there are no Secrets');
  const [before, after] = [made, accounts(['--keep', '-', '--servers', '4', A], JSON.stringify({ items: made }))].map(
    (secrets) => filesOf(...secrets)['cluster.conf'] ?? '',
  );
  const passwords = (conf = ''): string[] =>
    [...conf.matchAll(/route:([\w-]{32})@ringway-nats-\d/g)].map(([, password]) => password as string);
  t.equal(passwords(before).length, 3);
  t.strictSame(passwords(after), [...passwords(before), passwords(before)[0]]);
});

t.test('the keys are those of NATS', async (t) => {
  const files = filesOf(...accounts([A]));
  const derived = ['control.nk', `${A}.nk`].map((file) => nkeys.fromSeed(Buffer.from((files[file] ?? '').trim())).getPublicKey());
  t.strictSame(publicKeys(files['accounts.conf']), derived);
});

t.test('as files: the same, closed to others, and kept', async (t) => {
  const folder = join(t.testdir(), 'nats');
  const make = (): void => void execFileSync(process.execPath, [SCRIPT, '--out', folder, 'live-store-zone-a-0']);
  make();
  const seed = readFileSync(join(folder, 'live-store-zone-a-0.nk'), 'utf8');
  const modes = ['accounts.conf', 'control.nk', 'live-store-zone-a-0.nk'].map((file) => statSync(join(folder, file)).mode & 0o777);
  t.strictSame(modes, [0o600, 0o600, 0o600]);
  make();
  t.equal(readFileSync(join(folder, 'live-store-zone-a-0.nk'), 'utf8'), seed);
  writeFileSync(join(folder, 'live-store-zone-a-0.nk'), 'SUNSEED\n');
  t.match(fails('--out', folder, 'live-store-zone-a-0'), 'live-store-zone-a-0.nk: not the seed of a user NKey');
});

t.test('what cannot be done is one line', async (t) => {
  t.match(fails(), 'no member given');
  t.match(fails('a.b'), '"a.b" is not a name');
  t.match(fails('--ring', 'x y', 'a'), '"x y" is not a name');
  t.match(fails('control'), 'no member may be called control');
  t.match(fails('--servers', '0', 'a'), '--servers: "0" is not 1 to 9');
  t.match(fails('--keep', '/no/such/file', 'a'), '--keep /no/such/file: ENOENT');
  t.match(fails('--bogus', 'a'), "Unknown option '--bogus'");
});

function fails(...words: string[]): string {
  const { status, stderr, stdout } = spawnSync(process.execPath, [SCRIPT, ...words], { encoding: 'utf8' });
  return status === 64 && stdout === '' && stderr.trimEnd().split('\n').length === 1 ? stderr : `${status}: ${stdout}${stderr}`;
}

function publicKeys(conf = ''): string[] {
  return [...conf.matchAll(/nkey: (U\w+)/g)].map(([, key]) => key as string);
}

/** A bus as the sidecar of a member has it; null: as control has it. */
function bus(t: Test, cluster: NatsCluster, member: string | null): MembershipBus {
  const login = { kind: 'nkey', file: cluster.seed(member === null ? 'control.nk' : `${member}.nk`) } as const;
  const made = createNatsBus(
    {
      ring: 'live-store',
      connection: { servers: cluster.urls, login, tls: null, bucket: 'ringway' },
      replicas: 3,
      ...(member === null ? {} : { member }),
    },
    {
      clock: systemClock,
      random: systemRandom,
      readSecret: async (ref) => (ref.kind === 'file' ? readFileSync(ref.file, 'utf8').trim() : ''),
    },
  );
  t.teardown(() => made.close());
  return made;
}

interface Watched {
  latest(): readonly Member[];
  /** Resolves when the members fit. */
  next(test: (members: readonly Member[]) => boolean, what: string): Promise<void>;
}

function watchMembers(t: Test, bus: MembershipBus): Watched {
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const reports = bus.watch(stop.signal)[Symbol.asyncIterator]();
  let latest: readonly Member[] | null = null;
  return {
    latest: () => latest ?? [],
    async next(test, what) {
      while (latest === null || !test(latest)) {
        const { value, done } = await reports.next();
        if (done) throw new Error(`the watch ended before: ${what}`);
        if (value.kind === 'members') latest = value.members;
      }
      t.pass(what);
    },
  };
}

async function login(t: Test, cluster: NatsCluster, file: string, inboxPrefix: string): Promise<NatsConnection> {
  const authenticator = nkeyAuthenticator(Buffer.from(readFileSync(cluster.seed(file), 'utf8').trim()));
  const nc = await connect({ servers: [...cluster.urls], authenticator, inboxPrefix, reconnect: false });
  t.teardown(() => nc.close());
  return nc;
}

/** The next refusal that the server tells. */
function refusals(nc: NatsConnection): () => Promise<string> {
  const status = nc.status()[Symbol.asyncIterator]();
  return async () => {
    for (;;) {
      const { value, done } = await status.next();
      if (done) throw new Error('the connection ended');
      if (value.type === 'error') return value.error.message;
    }
  };
}
