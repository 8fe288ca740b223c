import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ConfigError, createConfig, loadConfig } from '../../src/config/index.ts';
import { RingwayError } from '../../src/core/index.ts';

/** The problems of a file with this text, without its path. */
async function problemsOf(test: Test, text: string): Promise<readonly string[]> {
  const file = join(test.testdir({ 'ringway.yaml': text }), 'ringway.yaml');
  try {
    await loadConfig(file);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((problem) => problem.replace(file, 'ringway.yaml'));
    throw error;
  }
  return [];
}

t.test('the form of the documentation is read, defaults filled in', async (t) => {
  const directory = t.testdir({
    'ringway.yaml': `
rings:
  live-store:
    sources:                                   # merged, first has precedence
      - tempo: { urls: ["http://querier:3200", "http://distributor:3200/tempo/"], every: 1s }
      - static: { file: members.yaml }
    allowedAddresses: ["10.0.0.0/8", "fd00::/8", "*.stores.example", "127.0.0.1"]
control:
  xds: { listen: "127.0.0.1:18000" }
admin: { listen: "127.0.0.1:9902" }
`,
  });
  t.strictSame(await loadConfig(join(directory, 'ringway.yaml')), {
    rings: new Map([
      [
        'live-store',
        {
          sources: [
            {
              kind: 'tempo',
              urls: ['http://querier:3200', 'http://distributor:3200/tempo'],
              everyMs: 1000,
              timeoutMs: 2000,
              keys: { instances: 'collectors/live-store', partitions: 'collectors/livestore-partitions' },
              tls: null,
              bearer: null,
              headers: new Map(),
            },
            { kind: 'static', file: join(directory, 'members.yaml') },
          ],
          allowedAddresses: ['10.0.0.0/8', 'fd00::/8', '*.stores.example', '127.0.0.1'],
          heartbeatTimeoutMs: 60_000,
          staleAfterMs: 600_000,
          allowEmpty: false,
        },
      ],
    ]),
    control: { xds: { listen: { host: '127.0.0.1', port: 18_000 }, insecure: false } },
    admin: { listen: { host: '127.0.0.1', port: 9902 }, insecure: false },
    telemetry: { logLevel: 'info' },
  });
});

t.test('without a file everything has a default, and flags are checked as a file is', async (t) => {
  t.strictSame(createConfig('flags', {}), {
    rings: new Map(),
    control: { xds: { listen: { host: '127.0.0.1', port: 18_000 }, insecure: false } },
    admin: { listen: { host: '127.0.0.1', port: 9902 }, insecure: false },
    telemetry: { logLevel: 'info' },
  });
  t.throws(() => createConfig('--tempo', { rings: { 'live-store': { sources: [{ tempo: { urls: ['querier:3200'] } }] } } }), {
    code: 'BAD_CONFIG',
    message:
      /^--tempo: rings\.live-store\.sources\[0\]\.tempo\.urls\[0\]: "querier:3200" is not a base URL, allowed: http:\/\/host:port or https/,
  });
});

t.test('an empty file is all defaults', async (t) => {
  t.strictSame(await problemsOf(t, '# nothing yet\n'), []);
});

t.test('every value has its own duration, list, flag and name', async (t) => {
  const config = createConfig('flags', {
    rings: {
      generators: {
        sources: [
          { tempo: { urls: ['http://a:1', 'http://a:1/'], every: '1.5m', timeout: '250ms', keys: { instances: 'x/y', partitions: null } } },
        ],
        heartbeatTimeout: '2m',
        staleAfter: '0s',
        allowEmpty: true,
      },
    },
    control: { xds: { listen: ':18000', insecure: true } },
    telemetry: { logLevel: 'debug' },
  });
  t.strictSame(config.rings.get('generators'), {
    sources: [
      {
        kind: 'tempo',
        urls: ['http://a:1'],
        everyMs: 90_000,
        timeoutMs: 250,
        keys: { instances: 'x/y', partitions: null },
        tls: null,
        bearer: null,
        headers: new Map(),
      },
    ],
    allowedAddresses: null,
    heartbeatTimeoutMs: 120_000,
    staleAfterMs: 0,
    allowEmpty: true,
  });
  t.strictSame(config.control.xds, { listen: { host: '', port: 18_000 }, insecure: true });
  t.equal(config.telemetry.logLevel, 'debug');
});

t.test('all that is wrong is said at once, each in one line with its own line number', async (t) => {
  const text = `rings:
  live-store:
    sources:
      - tempo: { urls: ["http://querier:3200", "ftp://x"], evry: 1s, timeout: 5 }
      - static: {}
      - zookeeper: x
      - tempo: { urls: ["http://a:1"] }
        static: { file: members.yaml }
      - tempo: { urls: [] }
    alowedAddresses: []
    allowedAddresses:
      - "10.0.0.0/8"
      - "10.0.0.0/99"
      - "1.2.3"
    allowEmpty: "yes"
    staleAfter: 10
  "bad name": { sources: [] }
  empty:
control:
  xds: { listen: "0.0.0.0:18000" }
admin:
  listen: 5
telemetry: { logLevel: loud }
proxy: {}
`;
  t.strictSame(await problemsOf(t, text), [
    'ringway.yaml:4: rings.live-store.sources[0].tempo.urls[1]: "ftp://x" is not a base URL, allowed: http://host:port or https://host:port, with a path if need be, without credentials or query',
    'ringway.yaml:4: rings.live-store.sources[0].tempo.timeout: 5 is not a duration, allowed: a number and ms, s, m or h, such as 500ms or 1m, from 10ms to 1m',
    'ringway.yaml:4: rings.live-store.sources[0].tempo.evry: unknown key (did you mean every?), allowed: urls, every, timeout, keys, tls, bearer, headers',
    'ringway.yaml:5: rings.live-store.sources[1].static.file: missing, allowed: the name of a file, relative to this one',
    'ringway.yaml:6: rings.live-store.sources[2].zookeeper: unknown key, allowed: tempo, gossip, nats, kubernetes, dns, etcd, consul, static',
    'ringway.yaml:7: rings.live-store.sources[3]: names several sources, allowed: one of tempo, gossip, nats, kubernetes, dns, etcd, consul, static',
    'ringway.yaml:9: rings.live-store.sources[4].tempo.urls: is empty, allowed: one or more base URLs',
    'ringway.yaml:10: rings.live-store.alowedAddresses: unknown key (did you mean allowedAddresses?), allowed: sources, allowedAddresses, heartbeatTimeout, staleAfter, allowEmpty',
    'ringway.yaml:13: rings.live-store.allowedAddresses[1]: "10.0.0.0/99" is not an address pattern, allowed: a CIDR such as 10.0.0.0/8, an address, a DNS name, or *.suffix',
    'ringway.yaml:14: rings.live-store.allowedAddresses[2]: "1.2.3" is not an address pattern, allowed: a CIDR such as 10.0.0.0/8, an address, a DNS name, or *.suffix',
    'ringway.yaml:15: rings.live-store.allowEmpty: "yes" is of the wrong type, allowed: true or false',
    'ringway.yaml:16: rings.live-store.staleAfter: 10 is not a duration, allowed: a number and ms, s, m or h, such as 500ms or 1m, from 0s to 168h',
    'ringway.yaml:17: rings.bad name: "bad name" is not a ring name, allowed: up to 128 letters, digits, ".", "_" and "-", the first a letter or digit',
    'ringway.yaml:18: rings.empty: null is of the wrong type, allowed: keys and values',
    'ringway.yaml:20: control.xds.listen: "0.0.0.0:18000" is open to other machines and has no TLS, allowed: a loopback address such as "127.0.0.1:18000", or insecure: true beside it',
    'ringway.yaml:22: admin.listen: 5 is not an address to listen on, allowed: host:port, such as 127.0.0.1:9902 or [::1]:9902, or :9902 for every address',
    'ringway.yaml:23: telemetry.logLevel: "loud" is unknown, allowed: debug, info, warn, error, silent',
    'ringway.yaml:24: proxy: unknown key, allowed: rings, control, admin, telemetry',
  ]);
});

t.test('a file of another shape is one line', async (t) => {
  t.strictSame(await problemsOf(t, 'just text\n'), [
    'ringway.yaml:1: the file: "just text" is of the wrong type, allowed: keys and values',
  ]);
  t.strictSame(await problemsOf(t, 'rings: []\n'), ['ringway.yaml:1: rings: [] is of the wrong type, allowed: keys and values']);
});

t.test('bad YAML is said with its line', async (t) => {
  const [first, ...rest] = await problemsOf(t, 'rings:\n  live-store:\n    sources: [ {tempo: \n');
  t.equal(first, 'ringway.yaml:3: bad YAML: Flow map in block collection must be sufficiently indented and end with a }');
  t.ok(rest.every((problem) => /^ringway\.yaml:\d+: bad YAML: /.test(problem)));
  const garbage = await problemsOf(t, '}\n]\n'.repeat(500));
  t.match(
    garbage,
    [/^ringway\.yaml:1: bad YAML: /, /bad YAML/, /bad YAML/, /^ringway\.yaml:4: 997 more$/],
    'no book about a file of garbage',
  );
  t.equal(garbage.length, 4);
  t.match(await problemsOf(t, 'admin: {}\nadmin: {}\n'), ['ringway.yaml:2: bad YAML: Map keys must be unique']);
  t.match(await problemsOf(t, '&a [*a]'), ['ringway.yaml:1: bad YAML: an alias stands in what it names']);
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n`;
  t.match(await problemsOf(t, bomb), ['ringway.yaml:1: bad YAML: Excessive alias count']);
});

t.test('an address that others can reach needs insecure: true', async (t) => {
  for (const listen of ['0.0.0.0:1', ':1', '[::]:1', '10.0.0.1:1', 'control.example:1', '[::ffff:10.0.0.1]:1'])
    t.match(
      await problemsOf(t, `admin: { listen: "${listen}" }`),
      [/^ringway\.yaml:1: admin\.listen: .* insecure: true beside it$/],
      listen,
    );
  for (const listen of ['127.0.0.1:0', '127.9.9.9:1', 'localhost:1', '[::1]:1'])
    t.strictSame(await problemsOf(t, `admin: { listen: "${listen}" }`), [], listen);
  t.strictSame(await problemsOf(t, 'admin: { listen: "0.0.0.0:1", insecure: true }'), []);
});

t.test('a file that cannot be read is one line with its name', async (t) => {
  const directory = t.testdir({ 'secret.yaml': '' });
  await t.rejects(loadConfig(join(directory, 'none.yaml')), {
    code: 'CONFIG_FILE',
    message: `${join(directory, 'none.yaml')}: no such file`,
  });
  await t.rejects(loadConfig(directory), { code: 'CONFIG_FILE', message: `${directory}: is a directory, a file is needed` });
  await t.rejects(loadConfig(join(directory, 'secret.yaml', 'x')), RingwayError);
  chmodSync(join(directory, 'secret.yaml'), 0o000);
  if (process.getuid?.() !== 0) await t.rejects(loadConfig(join(directory, 'secret.yaml')), /may not be read by this user$/);
});
