// Every way to log in to a real nats-server, and TLS; what goes wrong is one line without the secret.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import t, { type Test } from 'tap';
import type { ClientTlsConfig, NatsConnectionConfig, NatsLogin } from '../../src/config/index.ts';
import { type Clock, systemClock } from '../../src/core/index.ts';
import { natsBus, natsConnection, watchBus } from '../support/nats-bus.ts';
import { operatorMode } from '../support/nats-jwt.ts';
import { type NatsServerOptions, natsServer } from '../support/nats-server.ts';

t.setTimeout(60_000);

const golden = (name: string): string => join(import.meta.dirname, '../golden/tls', name);
const TLS: ClientTlsConfig = {
  ca: golden('localhost.crt'),
  certificate: null,
  privateKey: null,
  serverName: null,
  insecureSkipVerify: false,
};
const SERVER_TLS = `cert_file: "${golden('localhost.crt')}", key_file: "${golden('localhost.key')}"`;
const SECRET = 'wonderful-secret';

/** What control's bus says of the server with this connection: 'in', or the failure. */
async function tell(t: Test, url: string, fields: Partial<NatsConnectionConfig>): Promise<string> {
  const seen = watchBus(t, natsBus(t, natsConnection([url], fields)));
  return await Promise.race([seen.when(() => true).then(() => 'in'), seen.failure().then(({ error }) => error.message)]);
}

async function started(t: Test, options: NatsServerOptions): Promise<string | undefined> {
  const server = await natsServer(t, options);
  await server?.start();
  return server?.url;
}

const inFile = (t: Test, text: string): string => {
  const file = join(t.testdir({}), 'secret');
  writeFileSync(file, text);
  return file;
};

t.test('user and password, also from a file that is replaced while it runs', async (t) => {
  const url = await started(t, { config: `authorization { user: control, password: "${SECRET}" }` });
  if (url === undefined) return;
  const file = inFile(t, 'not-the-secret');
  const login: NatsLogin = { kind: 'password', user: 'control', password: { kind: 'file', file } };
  t.match(await tell(t, url, { login: null }), /^nats: 127\.0\.0\.1:\d+: the login is refused: Authorization Violation$/);
  const seen = watchBus(t, natsBus(t, natsConnection([url], { login })));
  const { error } = await seen.failure();
  t.match(error, { code: 'BUS_REFUSED', message: /the login is refused/ });
  t.notMatch(error.message, /not-the-secret/);
  const member = natsBus(t, natsConnection([url], { login }), { member: 'a' });
  await t.rejects(member.join({ id: 'a', address: 'a:1', zone: '', partition: null, state: 'ACTIVE' }), { code: 'BUS_REFUSED' });
  writeFileSync(file, `${SECRET}\n`);
  t.strictSame(await seen.when(() => true), []);
});

t.test('a login that is refused, or may not read, is tried less and less often', async (t) => {
  const config = `authorization { users: [ { user: reader, password: "${SECRET}", permissions: { publish: { deny: ">" } } } ] }`;
  const url = await started(t, { config });
  if (url === undefined) return;
  const password = { kind: 'file', file: inFile(t, SECRET) } as const;
  for (const user of ['nobody', 'reader']) {
    const waitsMs: number[] = [];
    const enough = Promise.withResolvers<void>();
    const clock: Clock = {
      ...systemClock,
      after(delayMs, fn) {
        if (waitsMs.push(delayMs) === 8) enough.resolve();
        return systemClock.after(delayMs / 100, fn);
      },
    };
    const bus = natsBus(t, natsConnection([url], { login: { kind: 'password', user, password } }), {}, { clock, random: () => 1 });
    t.match((await watchBus(t, bus).failure()).error, { code: 'BUS_REFUSED' });
    await enough.promise;
    await bus.close();
    t.strictSame(waitsMs.slice(0, 8), [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000], user);
  }
});

t.test('a token', async (t) => {
  const url = await started(t, { config: `authorization { token: "${SECRET}" }` });
  if (url === undefined) return;
  t.equal(await tell(t, url, { login: { kind: 'token', token: { kind: 'file', file: inFile(t, SECRET) } } }), 'in');
  t.match(await tell(t, url, { login: { kind: 'token', token: { kind: 'env', name: 'RINGWAY_TEST_NO_SUCH' } } }), /RINGWAY_TEST_NO_SUCH/);
});

t.test('an NKey', async (t) => {
  const pair = nkeys.createUser();
  const seed = Buffer.from(pair.getSeed()).toString();
  const url = await started(t, { config: `authorization { users: [ { nkey: ${pair.getPublicKey()} } ] }` });
  if (url === undefined) return;
  t.equal(await tell(t, url, { login: { kind: 'nkey', file: inFile(t, `${seed}\n`) } }), 'in');
  const stranger = inFile(t, Buffer.from(nkeys.createUser().getSeed()).toString());
  t.match(await tell(t, url, { login: { kind: 'nkey', file: stranger } }), /the login is refused/);
  const spoilt = await tell(t, url, { login: { kind: 'nkey', file: inFile(t, `${seed.slice(0, -2)}AA`) } });
  t.match(spoilt, /secret: is not the seed of an NKey$/);
  t.notMatch(spoilt, seed.slice(2, 20));
  t.match(await tell(t, url, { login: { kind: 'nkey', file: '/nowhere/seed' } }), /\/nowhere\/seed: no such file/);
});

t.test('credentials of a server with an operator', async (t) => {
  const { config, credentials, seed } = operatorMode();
  const url = await started(t, { config });
  if (url === undefined) return;
  t.equal(await tell(t, url, { login: { kind: 'credentials', file: inFile(t, credentials) } }), 'in');
  const spoilt = await tell(t, url, { login: { kind: 'credentials', file: inFile(t, credentials.replace('BEGIN USER', 'BEGIN')) } });
  t.notMatch(spoilt, seed);
  const file = inFile(t, 'nothing');
  t.equal(await tell(t, url, { login: { kind: 'credentials', file } }), `nats: ${file}: is not a credentials file (JWT and seed)`);
});

t.test('TLS: the certificate must be from a known authority and have the name that is dialled', async (t) => {
  const url = await started(t, { config: `tls { ${SERVER_TLS} }`, host: '0.0.0.0' });
  if (url === undefined) return;
  const [, port] = /:(\d+)$/.exec(url) ?? [];
  t.equal(await tell(t, `tls://localhost:${port}`, { tls: TLS }), 'in');
  t.equal(await tell(t, `nats://127.0.0.1:${port}`, { tls: TLS }), 'in', 'an address that the certificate has');
  t.match(await tell(t, `tls://127.0.0.2:${port}`, { tls: TLS }), /127\.0\.0\.2 is not in the cert's list/);
  t.equal(await tell(t, `tls://127.0.0.2:${port}`, { tls: { ...TLS, serverName: 'localhost' } }), 'in');
  t.match(await tell(t, `tls://localhost:${port}`, { tls: { ...TLS, serverName: 'other.example' } }), /other\.example/);
  t.match(await tell(t, `tls://localhost:${port}`, { tls: null }), /self-signed certificate/);
  t.equal(await tell(t, `tls://localhost:${port}`, { tls: { ...TLS, ca: null, insecureSkipVerify: true } }), 'in');
  t.match(await tell(t, `tls://localhost:${port}`, { tls: { ...TLS, ca: '/nowhere/ca.crt' } }), /\/nowhere\/ca\.crt/);
});

t.test('TLS with a certificate of ours', async (t) => {
  const url = await started(t, { config: `tls { ${SERVER_TLS}, ca_file: "${golden('localhost.crt')}", verify: true }` });
  if (url === undefined) return;
  const tls = { ...TLS, certificate: golden('localhost.crt'), privateKey: golden('localhost.key') };
  t.equal(await tell(t, url, { tls }), 'in');
  t.match(await tell(t, url, { tls: TLS }), /^nats: 127\.0\.0\.1:\d+: /);
});

t.test('who wants TLS does not speak in plain', async (t) => {
  const url = await started(t, {});
  if (url === undefined) return;
  t.match(await tell(t, url, { tls: TLS }), /does not support 'tls'/);
  t.match(await tell(t, url.replace('nats:', 'tls:'), { tls: null }), /does not support 'tls'/);
});
