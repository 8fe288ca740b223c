import type { Answer } from 'dns-packet';
import t, { type Test } from 'tap';
import { ConfigError, createConfig } from '../../../src/config/index.ts';
import { createDnsSource, type DnsSourceOptions } from '../../../src/membership/sources/dns/index.ts';
import type { SourceReport } from '../../../src/membership/types.ts';
import { addressRecords, type DnsServer, serviceRecords, startDnsServer, startOfAuthority, zone } from '../../support/dns-server.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { sourceDeps } from '../../support/source-deps.ts';
import { sourceSuite } from '../source-suite.ts';

const NAME = 'live-store.tempo.svc.cluster.test';

const optionsFor = (server: DnsServer, options: Partial<DnsSourceOptions> = {}): DnsSourceOptions => ({
  name: 'dns',
  ring: 'live-store',
  dnsName: NAME,
  records: 'A',
  port: 9096,
  servers: [server.address],
  minTtlMs: 1000,
  maxTtlMs: 30_000,
  timeoutMs: 2000,
  zone: '',
  ...options,
});

const hostOf = (address: string): string => address.replace(/:\d+$/, '').replaceAll(/[[\]]/g, '');
const servfail = () => ({ rcode: 2 });

t.test('SRV: a dns source keeps the promises of every source', (t) =>
  sourceSuite(t, async (t) => {
    const clock = new FakeClock();
    const server = await startDnsServer(t);
    return {
      source: createDnsSource(optionsFor(server, { records: 'SRV', port: null }), sourceDeps(clock)),
      clock,
      say: (members) => {
        const target = (id: string): string => `${id}.${NAME}`;
        const services = serviceRecords(NAME, 1, ...members.map(({ id, address }) => `${target(id)} ${/\d+$/.exec(address)?.[0]}`));
        const additionals = members.flatMap(({ id, address }) => addressRecords(target(id), 1, hostOf(address)));
        server.reply = () => (members.length === 0 ? { rcode: 3 } : { answers: services.toReversed(), additionals });
      },
      spoil: () => {
        server.reply = servfail;
      },
      look: () => clock.advance(1050),
      told: (member) => ({ ...member, zone: '' }),
      isNeverEmpty: true,
    };
  }),
);

t.test('A and AAAA: a dns source keeps the promises of every source', (t) =>
  sourceSuite(t, async (t) => {
    const clock = new FakeClock();
    const server = await startDnsServer(t);
    return {
      source: createDnsSource(optionsFor(server, { records: 'A+AAAA' }), sourceDeps(clock)),
      clock,
      say: (members) => {
        const records = addressRecords(NAME, 1, ...members.map(({ address }) => hostOf(address)).reverse());
        server.reply = ({ type }) => (records.length === 0 ? { rcode: 3 } : { answers: records.filter((record) => record.type === type) });
      },
      spoil: () => {
        server.reply = servfail;
      },
      look: () => clock.advance(1050),
      told: ({ address }) => ({ id: address, address, zone: '', partition: null }),
      isNeverEmpty: true,
    };
  }),
);

/** A source that is watched, on a clock of its own. */
function watch(t: Test, options: DnsSourceOptions, random = 0.5) {
  const clock = new FakeClock(5000);
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  const reports = createDnsSource(options, { ...sourceDeps(clock), random: () => random })
    .watch(abort.signal)
    [Symbol.asyncIterator]();
  const next = async (): Promise<SourceReport | string> => {
    const { value } = await reports.next();
    if (value === undefined) return 'end';
    return value.kind === 'failed' ? `${value.error.code} ${value.error.message}` : value;
  };
  return { clock, next };
}

const member = (id: string, address: string, partition: number | null = null) => ({
  id,
  address,
  zone: 'zone-a',
  partition,
  state: 'ACTIVE',
  heartbeatMs: null,
  registeredMs: null,
});

t.test('each address is a member named after itself, in the zone of the configuration', async (t) => {
  const records = addressRecords(NAME, 5, '10.0.0.2', '10.0.0.10', '10.0.0.2');
  const server = await startDnsServer(t, zone({ [`A ${NAME}`]: records }));
  t.strictSame(await watch(t, optionsFor(server, { zone: 'zone-a' })).next(), {
    kind: 'members',
    ring: 'live-store',
    members: [member('10.0.0.10:9096', '10.0.0.10:9096'), member('10.0.0.2:9096', '10.0.0.2:9096')],
    partitions: [],
    asOfMs: 5000,
  });
  t.strictSame(server.questions, [`A ${NAME} udp`]);
});

t.test('SRV targets are members under their first label, and own the partition of its number', async (t) => {
  const targets = ['live-store-zone-a-10.a.test 9096', 'live-store-zone-a-2.a.test 9097', 'plain.a.test 9096', 'x-99999999999.a.test 9096'];
  const server = await startDnsServer(
    t,
    zone({
      [`SRV ${NAME}`]: serviceRecords(NAME, 5, ...targets, targets[0] as string),
      'A live-store-zone-a-10.a.test': addressRecords('live-store-zone-a-10.a.test', 5, '10.0.0.9', '10.0.0.10'),
      'AAAA live-store-zone-a-10.a.test': addressRecords('live-store-zone-a-10.a.test', 5, 'fd00::1'),
      'AAAA live-store-zone-a-2.a.test': addressRecords('live-store-zone-a-2.a.test', 5, 'fd00::2'),
      'A plain.a.test': addressRecords('plain.a.test', 5, '10.0.0.3'),
      'A x-99999999999.a.test': addressRecords('x-99999999999.a.test', 5, '10.0.0.4'),
    }),
  );
  t.match(await watch(t, optionsFor(server, { records: 'SRV', port: null, zone: 'zone-a' })).next(), {
    members: [
      member('live-store-zone-a-10', '10.0.0.10:9096', 10),
      member('live-store-zone-a-2', '[fd00::2]:9097', 2),
      member('plain', '10.0.0.3:9096'),
      member('x-99999999999', '10.0.0.4:9096'),
    ],
    warning: undefined,
  });
});

t.test('SRV targets with one label in common are told apart by more of their name, or their port', async (t) => {
  const targets = ['store-0.a.test 1', 'store-0.b.test 1', 'store-1.a.test 1', 'store-1.a.test 2', 'store-2.a.test 1'];
  const additionals = targets.flatMap((text, i) => addressRecords(text.split(' ')[0] as string, 5, `10.0.0.${i}`));
  const server = await startDnsServer(t, ({ name }) => ({ answers: serviceRecords(name, 5, ...targets), additionals }));
  const report = await watch(t, optionsFor(server, { records: 'SRV', port: null })).next();
  const ids = typeof report === 'object' && report.kind === 'members' ? report.members.map(({ id, partition }) => [id, partition]) : report;
  t.strictSame(ids, [
    ['store-0.a.test', 0],
    ['store-0.b.test', 0],
    ['store-1.a.test:1', 1],
    ['store-1.a.test:2', 1],
    ['store-2', 2],
  ]);
});

t.test('an SRV target that cannot be dialled is left out by name; when none can, that is a failure', async (t) => {
  const server = await startDnsServer(t);
  const dialled = addressRecords('a-0.test', 5, '10.0.0.1');
  const targets = ['a-0.test 9096', 'a-0.test 0', 'gone.test 9096'];
  server.reply = ({ type, name }) =>
    type === 'SRV' ? { answers: serviceRecords(name, 5, ...targets), additionals: dialled } : { rcode: 3 };
  const { next, clock } = watch(t, optionsFor(server, { records: 'SRV', port: null, zone: 'zone-a' }));
  t.match(await next(), {
    members: [member('a-0', '10.0.0.1:9096', 0)],
    warning: `${NAME}: left out, without an address or a port: a-0.test:0, gone.test:9096`,
  });
  const gone = Array.from({ length: 5 }, (_, i) => `gone-${i}.test 1`);
  server.reply = ({ type, name }) => (type === 'SRV' ? { answers: serviceRecords(name, 5, ...gone) } : { rcode: 3 });
  await clock.advance(5500);
  t.equal(
    await next(),
    `DNS_NO_RECORDS no SRV target of ${NAME} has an address and a port: gone-0.test:1, gone-1.test:1, gone-2.test:1 and 2 more`,
  );
});

t.test('A+AAAA: one family is enough, one about which nobody answers is not', async (t) => {
  const server = await startDnsServer(t);
  const of = (answers: Readonly<Record<string, readonly Answer[] | undefined>>): DnsServer['reply'] => {
    return ({ type }) => {
      const records = answers[type];
      return records === undefined ? { rcode: 2 } : { answers: records, authorities: [startOfAuthority('test', 3, 3)] };
    };
  };
  const [v4, v6] = [addressRecords(NAME, 10, '10.0.0.1'), addressRecords(NAME, 10, 'fd00::1')];
  server.reply = of({ A: v4, AAAA: [] });
  const { next, clock } = watch(t, optionsFor(server, { records: 'A+AAAA' }), 0);
  t.match(await next(), { members: [{ address: '10.0.0.1:9096' }] });
  server.reply = of({ A: [], AAAA: v6 });
  await clock.advance(3000);
  t.match(await next(), { members: [{ address: '[fd00::1]:9096' }] }, 'asked again when the negative answer is over');
  server.reply = of({ A: v4, AAAA: undefined });
  await clock.advance(3000);
  t.equal(await next(), `DNS_FAILED cannot look up AAAA of ${NAME}: ${server.address} answered SERVFAIL`);
  server.reply = of({ A: [], AAAA: [] });
  await clock.advance(1000);
  t.equal(await next(), `DNS_NO_RECORDS ${NAME} has no A records`);
});

t.test('an answer is asked for again when its TTL is over, within bounds, and up to a tenth later', async (t) => {
  let ttl = 10;
  const server = await startDnsServer(t, ({ name }) => ({ answers: addressRecords(name, ttl, '10.0.0.1') }));
  const { next, clock } = watch(t, optionsFor(server));
  const asked = (): number => server.questions.length;
  t.match(await next(), { kind: 'members' });
  ttl = 0;
  await clock.advance(10_499);
  t.equal(asked(), 1);
  await clock.advance(1);
  t.match(await next(), { asOfMs: 5000 + 10_500 });
  t.equal(asked(), 2);
  ttl = 86_400;
  await clock.advance(1049);
  t.equal(asked(), 2, 'not before minTtl');
  await clock.advance(1);
  t.match(await next(), { kind: 'members' });
  await clock.advance(31_499);
  t.equal(asked(), 3);
  await clock.advance(1);
  t.match(await next(), { kind: 'members' }, 'not later than maxTtl, and the tenth');
  t.equal(asked(), 4);
});

t.test('failures: one line each, tried again after the negative TTL or minTtl', async (t) => {
  const soa = [startOfAuthority('cluster.test', 60, 5)];
  const server = await startDnsServer(t, () => ({ rcode: 3, authorities: soa }));
  const { next, clock } = watch(t, optionsFor(server), 0);
  t.equal(await next(), `DNS_NO_SUCH_NAME there is no name ${NAME} in DNS`);
  server.reply = () => ({ answers: [] });
  await clock.advance(4999);
  t.equal(server.questions.length, 1);
  await clock.advance(1);
  t.equal(await next(), `DNS_NO_RECORDS ${NAME} has no A records`);
  server.reply = () => ({ rcode: 5 });
  await clock.advance(1000);
  t.equal(await next(), `DNS_FAILED cannot look up A of ${NAME}: ${server.address} answered REFUSED`);
  server.reply = ({ bytes }) => ({
    bytes: [Buffer.concat([bytes.subarray(0, 2), Buffer.from([0x80, 0, 0, 1, 0xff, 0xff]), Buffer.alloc(8)])],
  });
  await clock.advance(1000);
  t.equal(await next(), `DNS_FAILED cannot look up A of ${NAME}: ${server.address} answered garbage: ends within a record`);
  await server.close();
  await clock.advance(1000);
  t.equal(await next(), `DNS_FAILED cannot look up A of ${NAME}: ${server.address} recvmsg ECONNREFUSED`);
});

t.test('a watch that ends while a server is silent leaves nothing', async (t) => {
  const server = await startDnsServer(t, () => 'silence');
  const clock = new FakeClock();
  const abort = new AbortController();
  const reports = createDnsSource(optionsFor(server, { records: 'A+AAAA' }), sourceDeps(clock))
    .watch(abort.signal)
    [Symbol.asyncIterator]();
  const pending = reports.next();
  while (server.questions.length < 2) await clock.advance(0);
  abort.abort();
  t.match(await pending, { done: true });
  t.equal(clock.pending, 0);
});

t.test('configuration: what is allowed, and what is said of what is not', (t) => {
  const dnsOf = (dns: object) => createConfig('flags', { rings: { r: { sources: [{ dns }] } } }).rings.get('r')?.sources[0];
  t.strictSame(dnsOf({ name: 'stores.test', port: 9096 }), {
    kind: 'dns',
    dnsName: 'stores.test',
    records: 'A',
    port: 9096,
    servers: [],
    minTtlMs: 1000,
    maxTtlMs: 30_000,
    timeoutMs: 2000,
    zone: '',
  });
  t.match(
    dnsOf({ name: '_grpc._tcp.stores.test.', records: 'SRV', servers: ['10.0.0.10:53', '[fd00::a]:53', '10.0.0.10:53'], zone: 'zone-a' }),
    {
      records: 'SRV',
      port: null,
      servers: ['10.0.0.10:53', '[fd00::a]:53'],
      zone: 'zone-a',
    },
  );
  const cases: readonly (readonly [object, string])[] = [
    [{ port: 1 }, 'name: missing, allowed: a name such as live-store.tempo.svc.cluster.local'],
    [{ name: '10.0.0.1', port: 1 }, 'name: "10.0.0.1" is not a DNS name, allowed: a name such as live-store.tempo.svc.cluster.local'],
    [{ name: 'a.test' }, 'port: missing, allowed: 1 to 65535'],
    [{ name: 'a.test', port: 0 }, 'port: is not a port, allowed: 1 to 65535'],
    [{ name: 'a.test', records: 'SRV', port: 1 }, 'port: does not go with SRV, allowed: left out'],
    [{ name: 'a.test', records: 'MX', port: 1 }, 'records: "MX" is unknown, allowed: A, AAAA, A+AAAA, SRV'],
    [{ name: 'a.test', port: 1, servers: ['dns.test:53'] }, 'servers[0]: "dns.test:53" is not a DNS server, allowed: ip:port, such as'],
    [{ name: 'a.test', port: 1, servers: ['10.0.0.1'] }, 'servers[0]: "10.0.0.1" is not a DNS server, allowed: ip:port, such as'],
    [{ name: 'a.test', port: 1, minTtl: '1m' }, 'minTtl: is longer than maxTtl, allowed: up to it'],
  ];
  for (const [dns, message] of cases) {
    try {
      dnsOf(dns);
      t.fail(`accepted: ${JSON.stringify(dns)}`);
    } catch (error) {
      t.match(error instanceof ConfigError && error.problems[0], `flags: rings.r.sources[0].dns.${message}`);
    }
  }
  t.end();
});
