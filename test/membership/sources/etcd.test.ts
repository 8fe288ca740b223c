import { generateKeyPairSync } from 'node:crypto';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import type { ClientTlsConfig } from '../../../src/config/index.ts';
import { sleep, systemClock } from '../../../src/core/index.ts';
import { createEtcdSource } from '../../../src/membership/sources/etcd/index.ts';
import type { EtcdSourceOptions } from '../../../src/membership/sources/etcd/options.ts';
import type { SourceReport } from '../../../src/membership/types.ts';
import { type Etcd, startEtcd } from '../../support/etcd.ts';
import { ALL, FEWER, instancesOf, KEYS, MEMBERS, optionsFor, PARTITIONS, reportsOf, textOf, until } from '../../support/etcd-source.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { freePorts } from '../../support/ports.ts';
import { sourceDeps } from '../../support/source-deps.ts';
import { sourceSuite } from '../source-suite.ts';

t.test('an etcd source keeps the promises of every source', async (t) => {
  const etcd = await startEtcd(t);
  if (etcd === undefined) return;
  let count = 0;
  await sourceSuite(t, async () => {
    count += 1;
    const keys = { instances: `${count}/live-store`, partitions: `${count}/livestore-partitions` };
    const clock = new FakeClock();
    await etcd.put(keys.partitions, PARTITIONS);
    return {
      // While the fake clock runs ahead, etcd answers in real time.
      source: createEtcdSource({ ...optionsFor(etcd.endpoint), keys, timeoutMs: 60_000 }, sourceDeps(clock)),
      clock,
      say: async (members) => void (await etcd.put(keys.instances, instancesOf(members, clock.nowMs()))),
      spoil: async () => void (await etcd.put(keys.instances, Buffer.from('<html>'))),
      look: () => clock.advance(5000),
    };
  });
});

async function etcdWithRings(t: Test, options: Parameters<typeof startEtcd>[1] = {}): Promise<Etcd | undefined> {
  const etcd = await startEtcd(t, options);
  await etcd?.put(KEYS.partitions, PARTITIONS);
  await etcd?.put(KEYS.instances, instancesOf(MEMBERS));
  return etcd;
}

t.test('an etcd that is killed and comes back, with what it had and without', async (t) => {
  const etcd = await etcdWithRings(t);
  if (etcd === undefined) return;
  const reports = reportsOf(t, optionsFor(etcd.endpoint), systemClock);
  t.equal(await until(reports, 'members'), ALL);
  await etcd.kill();
  t.match(await until(reports, 'failed'), new RegExp(`^${etcd.endpoint}: UNAVAILABLE: `));
  await etcd.start();
  t.equal(await until(reports, 'members'), ALL, 'the same members again');
  await etcd.put(KEYS.instances, instancesOf(MEMBERS.slice(1)));
  t.equal(await until(reports, 'members'), FEWER, 'it is watched again');
  await etcd.kill();
  await etcd.forget();
  await etcd.start();
  t.match(await until(reports, 'failed'), /UNAVAILABLE/);
  t.equal(await until(reports, 'failed'), `${etcd.endpoint}: key "collectors/live-store": there is nothing under it`);
  await etcd.put(KEYS.instances, instancesOf(MEMBERS));
  await etcd.put(KEYS.partitions, PARTITIONS);
  t.equal(await until(reports, 'members'), ALL, 'though its revisions are lower than before');
});

t.test('an etcd that is silent is asked, and left when it does not answer', async (t) => {
  const etcd = await etcdWithRings(t);
  if (etcd === undefined) return;
  const clock = new FakeClock();
  const reports = reportsOf(t, optionsFor(etcd.endpoint), clock);
  t.equal(textOf(await reports.next()), ALL);
  await etcd.put(KEYS.instances, instancesOf(MEMBERS.slice(1)));
  await clock.advance(200);
  t.equal(textOf(await reports.next()), FEWER, 'it is watched');
  await clock.advance(10_000);
  const quiet = await reports.next();
  t.equal(quiet.kind === 'members' && quiet.asOfMs, clock.nowMs(), 'it says that nothing has changed');
  t.equal(textOf(quiet), FEWER);

  etcd.pause();
  t.teardown(() => etcd.resume());
  let failed: SourceReport | null = null;
  const follow = (): unknown =>
    reports.next().then((report) => {
      if (report.kind === 'failed') failed = report;
      else follow(); // said before it fell silent
    });
  follow();
  while (failed === null) await clock.advance(200);
  t.match(failed, { kind: 'failed', error: { code: 'ETCD_TIMEOUT', message: `${etcd.endpoint}: did not answer within 5000ms` } });
  etcd.resume();
  await clock.advance(3000);
  t.equal(await until(reports, 'members'), FEWER);
});

t.test('of several members of a cluster one that works is enough', async (t) => {
  const etcd = await etcdWithRings(t);
  if (etcd === undefined) return;
  const [nobody, nobodyElse] = (await freePorts(2)).map((port) => `http://127.0.0.1:${port}`) as [string, string];
  const reports = reportsOf(t, optionsFor(nobodyElse, nobody, etcd.endpoint), systemClock);
  t.equal(textOf(await reports.next()), ALL, 'the first one is at random, here the one in the middle, which fails');
  await etcd.kill();
  const failed = await until(reports, 'failed');
  t.match(failed, new RegExp(`^${etcd.endpoint}: .*; ${nobodyElse}: .*; ${nobody}: `), 'each has failed');
  t.notMatch(failed, '\n');
  await etcd.start();
  t.equal(await until(reports, 'members'), ALL);
});

t.test('a login, its role, and what it is worth after a restart', async (t) => {
  const etcd = await etcdWithRings(t);
  if (etcd === undefined) return;
  const secret = t.testdir({ good: 'geheim\n', bad: 'falsch' });
  const login = (file: string) => ({ user: 'ringway', password: { kind: 'file', file: join(secret, file) } }) as const;
  const options = { ...optionsFor(etcd.endpoint), login: login('good') };
  t.equal(textOf(await reportsOf(t, options, systemClock).next()), ALL, 'a server that wants no login gets none');
  await setUpLogins(etcd);
  const reports = reportsOf(t, options, systemClock);
  t.equal(textOf(await reports.next()), ALL);
  const cases: readonly (readonly [string, Partial<EtcdSourceOptions>])[] = [
    ['INVALID_ARGUMENT: etcdserver: authentication failed, invalid user ID or password', { login: login('bad') }],
    ['INVALID_ARGUMENT: etcdserver: user name is empty', { login: null }],
    ['PERMISSION_DENIED: etcdserver: permission denied', { keys: { instances: 'others/ring', partitions: null } }],
  ];
  for (const [message, fields] of cases)
    t.equal(textOf(await reportsOf(t, { ...options, ...fields }, systemClock).next()), `${etcd.endpoint}: ${message}`);
  t.match(textOf(await reportsOf(t, { ...options, login: login('none') }, systemClock).next()), /none: no such file$/);
  await etcd.kill();
  await etcd.start(); // tokens are forgotten
  t.match(await until(reports, 'failed'), /UNAVAILABLE/);
  t.equal(await until(reports, 'members'), ALL, 'logged in again');
});

t.test('a token that runs out is replaced without a failure', async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const files = t.testdir({
    'public.pem': publicKey.export({ type: 'spki', format: 'pem' }),
    'private.pem': privateKey.export({ type: 'pkcs1', format: 'pem' }),
    password: 'geheim',
  });
  const [publicFile, privateFile] = [join(files, 'public.pem'), join(files, 'private.pem')];
  const jwt = `jwt,pub-key=${publicFile},priv-key=${privateFile},sign-method=RS256,ttl=2s`;
  const etcd = await etcdWithRings(t, { args: ['--auth-token', jwt] });
  if (etcd === undefined) return;
  await setUpLogins(etcd);
  const login = { user: 'ringway', password: { kind: 'file', file: join(files, 'password') } } as const;
  const reports = reportsOf(t, { ...optionsFor(etcd.endpoint), login }, systemClock);
  t.equal(textOf(await reports.next()), ALL);
  await sleep(systemClock, 2100); // etcd counts whole seconds: with a shorter life a new token may be too old at once
  const { token } = await etcd.post('auth/authenticate', { name: 'root', password: 'root' });
  const key = Buffer.from(KEYS.instances).toString('base64');
  const put = (members: typeof MEMBERS) => {
    const value = Buffer.from(instancesOf(members)).toString('base64');
    return etcd.post('kv/put', { key, value }, token as string);
  };
  for (let i = 0; i < 30; i += 1) await put(i < 29 ? MEMBERS : MEMBERS.slice(1)); // so busy that it reads, a second later
  for (let text = ALL; text !== FEWER; ) {
    const report = await reports.next();
    text = textOf(report);
    t.equal(report.kind, 'members', text);
  }
});

/** A user `ringway` that may read what begins with `collectors/`. */
async function setUpLogins({ post }: Etcd): Promise<void> {
  const from = Buffer.from('collectors/').toString('base64');
  const to = Buffer.from('collectors0').toString('base64');
  await post('auth/user/add', { name: 'root', password: 'root' });
  await post('auth/user/grant', { user: 'root', role: 'root' });
  await post('auth/user/add', { name: 'ringway', password: 'geheim' });
  await post('auth/role/add', { name: 'reader' });
  await post('auth/role/grant', { name: 'reader', perm: { permType: 'READ', key: from, range_end: to } });
  await post('auth/user/grant', { user: 'ringway', role: 'reader' });
  await post('auth/enable', {});
}

t.test('TLS, with a certificate of ours', async (t) => {
  const [certificate, privateKey] = ['localhost.crt', 'localhost.key'].map((name) => resolve('test/golden/tls', name)) as [string, string];
  const etcd = await etcdWithRings(t, { tls: { certificate, privateKey, ca: certificate } });
  if (etcd === undefined) return;
  const tls = { ca: certificate, certificate, privateKey, serverName: null, insecureSkipVerify: false };
  const reportWith = async (fields: Partial<ClientTlsConfig> | null): Promise<string> => {
    const options = { ...optionsFor(etcd.endpoint), tls: fields === null ? null : { ...tls, ...fields } };
    return textOf(await reportsOf(t, options, systemClock).next());
  };
  t.equal(await reportWith({}), ALL);
  t.equal(await reportWith({ ca: null, insecureSkipVerify: true }), ALL);
  t.match(
    await reportWith({ certificate: null, privateKey: null }),
    new RegExp(`^${etcd.endpoint}: UNAVAILABLE: .*(certificate|alert|ECONNRESET|closed)`),
  );
  t.match(await reportWith(null), new RegExp(`^${etcd.endpoint}: UNAVAILABLE: .*self-signed certificate`));
  t.match(await reportWith({ serverName: 'other.example' }), new RegExp(`^${etcd.endpoint}: UNAVAILABLE: .*other\\.example`));
  t.match(await reportWith({ ca: resolve('test/golden/tls/none.crt') }), /none\.crt: ENOENT/);
});
