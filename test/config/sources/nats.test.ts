import t from 'tap';
import { parseConfig } from '../../../src/config/index.ts';
import type { SourceConfig } from '../../../src/config/types.ts';

/** The one source of a file with this, or what is wrong. */
function read(nats: string): SourceConfig | string | undefined {
  try {
    const text = `rings: { r: { sources: [ { nats: ${nats} } ] } }`;
    return parseConfig('/etc/ringway/ringway.yaml', text).rings.get('r')?.sources[0];
  } catch (error) {
    return (error as Error).message.replaceAll('/etc/ringway/ringway.yaml:1: rings.r.sources[0].nats', 'nats');
  }
}

t.test('defaults, and everything', async (t) => {
  const least = {
    kind: 'nats',
    servers: ['nats://127.0.0.1:4222'],
    login: null,
    tls: null,
    bucket: 'ringway',
    replicas: 1,
    forgetAfterMs: 120_000,
  };
  t.strictSame(read('{ servers: ["nats://127.0.0.1:4222"] }'), least);
  t.strictSame(
    read(
      '{ servers: ["tls://a:4222", "tls://b:4222", "tls://a:4222"], login: { nkey: a.nk }, tls: { ca: ca.crt }, bucket: b, replicas: 3, forgetAfter: 5m }',
    ),
    {
      kind: 'nats',
      servers: ['tls://a:4222', 'tls://b:4222'],
      login: { kind: 'nkey', file: '/etc/ringway/a.nk' },
      tls: { ca: '/etc/ringway/ca.crt', certificate: null, privateKey: null, serverName: null, insecureSkipVerify: false },
      bucket: 'b',
      replicas: 3,
      forgetAfterMs: 300_000,
    },
  );
});

t.test('one way to log in', async (t) => {
  const login = (text: string): unknown => {
    const source = read(`{ servers: ["nats://[::1]"], login: ${text} }`);
    return typeof source === 'object' && source.kind === 'nats' ? source.login : source;
  };
  t.strictSame(login('{ credentials: c.creds }'), { kind: 'credentials', file: '/etc/ringway/c.creds' });
  t.strictSame(login('{ user: u, password: { env: P } }'), { kind: 'password', user: 'u', password: { kind: 'env', name: 'P' } });
  t.strictSame(login('{ token: { file: t } }'), { kind: 'token', token: { kind: 'file', file: '/etc/ringway/t' } });
  const wrong = 'nats.login: is not one way to log in, allowed: one of credentials, nkey, user and password, token';
  for (const text of ['{}', '{ user: u }', '{ password: { env: P } }', '{ nkey: a, token: { env: T } }', '{ nkey: a, user: u }'])
    t.equal(login(text), wrong, text);
});

t.test('without TLS only to this machine, unless it is said to be meant', async (t) => {
  for (const server of ['nats://127.0.0.1', 'nats://localhost:4222', 'nats://[::1]:1', 'tls://nats:4222'])
    t.type(read(`{ servers: ["${server}"] }`), 'object', server);
  t.equal(
    read('{ servers: ["nats://127.0.0.1:4222", "nats://nats:4222"] }'),
    'nats.servers: "nats://nats:4222" is on another machine and without TLS, allowed: tls://, tls beside it, a loopback address, or insecure: true beside it',
  );
  t.type(read('{ servers: ["nats://nats:4222"], insecure: true }'), 'object');
  t.type(read('{ servers: ["nats://nats:4222"], tls: {} }'), 'object');
});

t.test('servers and buckets that are none', async (t) => {
  t.equal(read('{ servers: [] }'), 'nats.servers: is empty, allowed: one or more servers');
  for (const server of ['nats', 'http://a:1', 'nats://u:p@a:4222', 'nats://a/x', 'nats://a?x'])
    t.match(
      read(`{ servers: ["${server}"] }`),
      /is not a NATS server, allowed: nats:\/\/host:port or tls:\/\/host:port, without credentials/,
      server,
    );
  t.match(read('{ servers: ["tls://a"], bucket: "a.b" }'), /nats\.bucket: "a\.b" is not a bucket/);
  t.match(read('{ servers: ["tls://a"], replicas: 2 }'), /nats\.replicas: /);
});
