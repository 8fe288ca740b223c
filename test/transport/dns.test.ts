import { createSocket } from 'node:dgram';
import { join } from 'node:path';
import type { Answer } from 'dns-packet';
import t, { type Test } from 'tap';
import { seededRandom, systemClock } from '../../src/core/index.ts';
import { createDnsClient, type DnsClient, type DnsClientOptions, DnsError } from '../../src/transport/dns/index.ts';
import { parseResolvConf, readResolvConf, wholeNames } from '../../src/transport/dns/resolv-conf.ts';
import { addressRecords, encodeReply, serviceRecords, startDnsServer, startOfAuthority, zone } from '../support/dns-server.ts';
import { FakeClock } from '../support/fake-clock.ts';

const NEVER = new AbortController().signal;

function clientOf(t: Test, options: Partial<DnsClientOptions>): DnsClient {
  const client = createDnsClient({ servers: [], timeoutMs: 2000, clock: systemClock, random: seededRandom(1), ...options });
  t.teardown(() => client.close());
  return client;
}

/** What a lookup rejects with. */
async function refusal(lookup: Promise<unknown>): Promise<Pick<DnsError, 'code' | 'message' | 'ttlMs'>> {
  try {
    await lookup;
  } catch (error) {
    if (error instanceof DnsError) return { code: error.code, message: error.message, ttlMs: error.ttlMs };
    throw error;
  }
  throw new Error('the lookup found something');
}

const alias = (name: string, ttl: number, data: string): Answer => ({ type: 'CNAME', name, ttl, data });

t.test('addresses come with the least TTL of all they are made of', async (t) => {
  const server = await startDnsServer(
    t,
    zone({
      'A stores.test': [...addressRecords('stores.test', 9, '10.0.0.2', '10.0.0.1'), ...addressRecords('STORES.test', 7, '10.0.0.2')],
      'AAAA stores.test': addressRecords('stores.test', 3, 'fd00:0:0:0:0:0:0:1', '::ffff:10.0.0.1'),
      'A alias.test': [
        ...addressRecords('stores.test', 30, '10.0.0.1'),
        alias('alias.test', 20, 'Middle.test'),
        alias('middle.test', 5, 'stores.test'),
        ...addressRecords('else.test', 1, '10.9.9.9'),
      ],
      'A old.test': addressRecords('old.test', 2 ** 31, '10.0.0.1'),
    }),
  );
  const dns = clientOf(t, { servers: [server.address] });
  t.strictSame(await dns.addresses('stores.test', 'A', NEVER), { records: ['10.0.0.2', '10.0.0.1'], ttlMs: 7000 });
  t.strictSame(await dns.addresses('Stores.Test.', 'AAAA', NEVER), { records: ['fd00::1', '::ffff:a00:1'], ttlMs: 3000 });
  t.strictSame(await dns.addresses('alias.test', 'A', NEVER), { records: ['10.0.0.1'], ttlMs: 5000 });
  t.strictSame(await dns.addresses('old.test', 'A', NEVER), { records: ['10.0.0.1'], ttlMs: 0 }, 'RFC 2181 §8');
  t.strictSame(server.questions.slice(0, 2), ['A stores.test udp', 'AAAA stores.test udp']);
});

t.test('SRV: targets as they are, and with their addresses', async (t) => {
  const server = await startDnsServer(t);
  const records = serviceRecords(
    '_grpc._tcp.stores.test',
    20,
    'Store-0.stores.test 9096',
    'store-1.stores.test 9097',
    'gone.stores.test 1',
  );
  const more = zone({
    'A store-1.stores.test': addressRecords('store-1.stores.test', 6, '10.0.0.2'),
    'AAAA store-1.stores.test': addressRecords('store-1.stores.test', 8, 'fd00::2'),
  });
  server.reply = (question) => {
    if (question.type !== 'SRV') return more(question);
    return { answers: records, additionals: addressRecords('store-0.stores.test', 15, '10.0.0.1', 'fd00::1') };
  };
  const dns = clientOf(t, { servers: [server.address] });
  const [first, second, third] = [
    { target: 'store-0.stores.test', port: 9096, priority: 0, weight: 1 },
    { target: 'store-1.stores.test', port: 9097, priority: 0, weight: 1 },
    { target: 'gone.stores.test', port: 1, priority: 0, weight: 1 },
  ];
  t.strictSame(await dns.targets('_grpc._tcp.stores.test', NEVER), {
    records: [
      { ...first, addresses: ['10.0.0.1', 'fd00::1'] },
      { ...second, addresses: [] },
      { ...third, addresses: [] },
    ],
    ttlMs: 20_000,
  });
  t.strictSame(await dns.services('_grpc._tcp.stores.test', NEVER), {
    records: [
      { ...first, addresses: ['10.0.0.1', 'fd00::1'] },
      { ...second, addresses: ['10.0.0.2', 'fd00::2'] },
      { ...third, addresses: [] },
    ],
    ttlMs: 6000,
  });
  t.notOk(
    server.questions.some((question) => question.includes('store-0')),
    'what came along is not asked for',
  );
});

t.test('SRV: a target about which nobody answers rejects the whole, unless it is only about AAAA', async (t) => {
  const server = await startDnsServer(t);
  let broken = 'A';
  server.reply = ({ type, name }) => {
    if (type === 'SRV') return { answers: serviceRecords(name, 20, 'a.test 1') };
    return type === broken ? { rcode: 2 } : { answers: addressRecords(name, 5, type === 'A' ? '10.0.0.1' : 'fd00::1') };
  };
  const dns = clientOf(t, { servers: [server.address] });
  t.strictSame(await refusal(dns.services('s.test', NEVER)), {
    code: 'DNS_FAILED',
    message: `cannot look up A of a.test: ${server.address} answered SERVFAIL`,
    ttlMs: null,
  });
  broken = 'AAAA';
  t.match(await dns.services('s.test', NEVER), { records: [{ target: 'a.test', addresses: ['10.0.0.1'] }], ttlMs: 5000 });
});

t.test('SRV: hundreds of targets are looked up, a few at a time', async (t) => {
  const names = Array.from({ length: 300 }, (_, i) => `store-${i}.test`);
  let open = 0;
  let most = 0;
  const server = await startDnsServer(t, ({ type, name }) => {
    if (type === 'SRV') return { answers: serviceRecords(name, 20, ...names.map((target) => `${target} 9096`)) };
    open += 1;
    most = Math.max(most, open);
    setImmediate(() => {
      open -= 1;
    });
    return type === 'A' ? { answers: addressRecords(name, 5, `10.0.1.${Number(/\d+/.exec(name)) % 250}`) } : { answers: [] };
  });
  const { records } = await clientOf(t, { servers: [server.address] }).services('s.test', NEVER);
  t.equal(records.length, 300);
  t.strictSame(records[299], { target: 'store-299.test', port: 9096, priority: 0, weight: 1, addresses: ['10.0.1.49'] });
  t.ok(most <= 32, `${most} at once`);
});

t.test('negative answers say which, and for how long', async (t) => {
  const soa = [startOfAuthority('test', 300, 30)];
  const server = await startDnsServer(t, ({ name }) => {
    if (name === 'nowhere.test') return { rcode: 3, authorities: soa };
    if (name === 'dangling.test')
      return { rcode: 3, answers: [alias(name, 60, 'nowhere.test')], authorities: [startOfAuthority('test', 10, 30)] };
    if (name === 'down.test') return { answers: serviceRecords(name, 20, '. 0') };
    return { answers: [], authorities: name === 'mute.test' ? [] : soa };
  });
  const dns = clientOf(t, { servers: [server.address] });
  const nowhere = { code: 'DNS_NO_SUCH_NAME', message: 'there is no name nowhere.test in DNS', ttlMs: 30_000 };
  t.strictSame(await refusal(dns.addresses('nowhere.test', 'A', NEVER)), nowhere);
  t.match(await refusal(dns.addresses('dangling.test', 'A', NEVER)), { code: 'DNS_NO_SUCH_NAME', ttlMs: 10_000 });
  const none = { code: 'DNS_NO_RECORDS', message: 'v4.test has no AAAA records', ttlMs: 30_000 };
  t.strictSame(await refusal(dns.addresses('v4.test', 'AAAA', NEVER)), none);
  t.match(await refusal(dns.addresses('mute.test', 'A', NEVER)), { code: 'DNS_NO_RECORDS', ttlMs: null });
  const down = { code: 'DNS_NO_RECORDS', message: 'down.test has no SRV records', ttlMs: 20_000 };
  t.strictSame(await refusal(dns.services('down.test', NEVER)), down, 'RFC 2782: a target "." means decidedly not');
});

t.test('what is no name is not asked for', async (t) => {
  const server = await startDnsServer(t);
  const dns = clientOf(t, { servers: [server.address] });
  const long = `${'a'.repeat(60)}.`.repeat(5);
  for (const name of ['', '.', 'a..b', '-.'.repeat(130), long, 'a'.repeat(64), 'ä.test', 'a b', '10.0.0.1', '::1', 'a.test..'])
    t.match(await refusal(dns.addresses(name, 'A', NEVER)), { code: 'DNS_BAD_NAME', message: /is not a DNS name$/ }, name);
  t.strictSame(server.questions, []);
});

t.test('records of another class do not count, and the response code has its upper half in EDNS', async (t) => {
  const server = await startDnsServer(t, ({ name }) => ({
    answers: [{ type: 'A', class: 'CH', name, ttl: 1, data: '10.6.6.6' }, ...addressRecords(name, 5, '10.0.0.1')],
  }));
  const dns = clientOf(t, { servers: [server.address] });
  t.strictSame(await dns.addresses('a.test', 'A', NEVER), { records: ['10.0.0.1'], ttlMs: 5000 });
  const badVersion = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 512,
    extendedRcode: 1,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  } as const;
  server.reply = () => ({ additionals: [{ ...badVersion, options: [] }] });
  t.match(await refusal(dns.addresses('a.test', 'A', NEVER)), { message: /answered RCODE 16$/ });
});

t.test('an answer too long for UDP is fetched over TCP', async (t) => {
  const many = Array.from({ length: 2000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  const server = await startDnsServer(t, zone({ 'A many.test': addressRecords('many.test', 5, ...many) }));
  const dns = clientOf(t, { servers: [server.address] });
  t.strictSame(await dns.addresses('many.test', 'A', NEVER), { records: many, ttlMs: 5000 });
  t.strictSame(server.questions, ['A many.test udp', 'A many.test tcp']);
});

t.test('a server that does not know EDNS is asked without', async (t) => {
  const server = await startDnsServer(t, ({ name, bytes }) =>
    bytes.readUInt16BE(10) > 0 ? { rcode: 1 } : { answers: addressRecords(name, 5, '10.0.0.1') },
  );
  t.match(await clientOf(t, { servers: [server.address] }).addresses('a.test', 'A', NEVER), { records: ['10.0.0.1'] });
});

t.test('servers are asked in turn, those that say nothing once more', async (t) => {
  const good = zone({ 'A a.test': addressRecords('a.test', 5, '10.0.0.1') });
  const [one, two] = [await startDnsServer(t, () => 'silence'), await startDnsServer(t, () => ({ rcode: 5 }))];
  const clock = new FakeClock();
  const dns = clientOf(t, { servers: [one.address, two.address], clock });
  const waitFor = async (count: number): Promise<void> => {
    while (one.questions.length < count) await clock.advance(0);
  };
  const failing = refusal(dns.addresses('a.test', 'A', NEVER));
  await waitFor(1);
  await clock.advance(2000);
  await waitFor(2);
  await clock.advance(2000);
  t.strictSame(await failing, {
    code: 'DNS_FAILED',
    message: `cannot look up A of a.test: ${one.address} gave no answer in 2000 ms; ${two.address} answered REFUSED`,
    ttlMs: null,
  });
  t.equal(two.questions.length, 1, 'who refused is not asked again');

  const found = dns.addresses('a.test', 'A', NEVER);
  await waitFor(3);
  one.reply = good;
  await clock.advance(2000);
  t.match(await found, { records: ['10.0.0.1'] }, 'a lost answer costs one time-out');
  two.reply = good;
  await one.close();
  t.match(await dns.addresses('a.test', 'A', NEVER), { records: ['10.0.0.1'] }, 'a server that is gone costs no time');
  t.equal(clock.pending, 0);
});

t.test('only the server itself, with the id and the question, is believed', async (t) => {
  const server = await startDnsServer(t);
  server.reply = (question) => {
    const forged = { answers: addressRecords('a.test', 5, '10.6.6.6') };
    const stranger = createSocket('udp4');
    t.teardown(() => stranger.close());
    const wrongId = encodeReply({ ...question, id: question.id ^ 1 }, forged);
    const wrongName = encodeReply({ ...question, name: 'b.test' }, forged);
    const wrongType = encodeReply({ ...question, type: 'AAAA' }, forged);
    const echo = question.bytes;
    const noQuestion = Buffer.from(encodeReply(question, { answers: [] }).subarray(0, 12));
    noQuestion.writeUInt16BE(0, 4);
    const right = encodeReply(question, { answers: addressRecords('a.test', 5, '10.0.0.1') });
    return { bytes: [wrongId, wrongName, wrongType, echo, noQuestion, Buffer.alloc(0), Buffer.alloc(11), right] };
  };
  t.match(await clientOf(t, { servers: [server.address] }).addresses('a.test', 'A', NEVER), { records: ['10.0.0.1'] });

  const asked = Promise.withResolvers<number>();
  const real = createSocket('udp4');
  const stranger = createSocket('udp4');
  t.teardown(() => Promise.all([real, stranger].map((socket) => socket.close())));
  await new Promise<void>((resolve) => {
    real.bind(0, '127.0.0.1', resolve);
  });
  real.once('message', (bytes, { port }) => {
    const question = { name: 'a.test', type: 'A', transport: 'udp', bytes, id: bytes.readUInt16BE(0) } as const;
    const answer = (address: string): Buffer => encodeReply(question, { answers: addressRecords('a.test', 5, address) });
    stranger.send(answer('10.6.6.6'), port, '127.0.0.1', () => real.send(answer('10.0.0.1'), port, '127.0.0.1'));
    asked.resolve(port);
  });
  const servers = [`127.0.0.1:${real.address().port}`];
  t.match(await clientOf(t, { servers }).addresses('a.test', 'A', NEVER), { records: ['10.0.0.1'] });
  t.not(await asked.promise, 53);
});

t.test('ids differ from question to question', async (t) => {
  const ids = new Set<number>();
  const server = await startDnsServer(t, ({ id, name }) => {
    ids.add(id);
    return { answers: addressRecords(name, 5, '10.0.0.1') };
  });
  const dns = clientOf(t, { servers: [server.address] });
  for (let i = 0; i < 20; i += 1) await dns.addresses('a.test', 'A', NEVER);
  t.ok(ids.size >= 19, `${ids.size} ids`);
});

t.test('a stopped lookup rejects at once and leaves nothing', async (t) => {
  const server = await startDnsServer(t, () => 'silence');
  const clock = new FakeClock();
  const dns = clientOf(t, { servers: [server.address], clock });
  const abort = new AbortController();
  const [one, other, early] = [
    dns.addresses('a.test', 'A', abort.signal),
    dns.services('b.test', NEVER),
    dns.addresses('c.test', 'A', AbortSignal.abort()),
  ];
  t.match(await refusal(early), { code: 'DNS_FAILED', message: 'cannot look up A of c.test: stopped' });
  abort.abort();
  t.match(await refusal(one), { code: 'DNS_FAILED', message: 'cannot look up A of a.test: stopped' });
  dns.close();
  t.match(await refusal(other), { code: 'DNS_FAILED', message: 'cannot look up SRV of b.test: stopped' });
  t.match(await refusal(dns.addresses('a.test', 'A', NEVER)), { message: /stopped/ }, 'after close');
  t.equal(clock.pending, 0);
});

t.test('TCP: a server that breaks off, sends rubbish or another answer', async (t) => {
  const server = await startDnsServer(t);
  const dns = clientOf(t, { servers: [server.address], timeoutMs: 300 });
  const truncated = Buffer.from([0x82, 0]);
  const overTcp = async (...answers: readonly Buffer[]): Promise<string> => {
    server.reply = (question) => {
      if (question.transport === 'tcp') return { bytes: answers.map((bytes) => withId(bytes, question.id)) };
      const bytes = Buffer.from(encodeReply(question, { answers: [] }));
      truncated.copy(bytes, 2);
      return { bytes: [bytes] };
    };
    return (await refusal(dns.addresses('a.test', 'A', NEVER))).message;
  };
  const withId = (bytes: Buffer, id: number): Buffer => {
    const copy = Buffer.from(bytes);
    if (copy.length >= 2) copy.writeUInt16BE(id);
    return copy;
  };
  const failed = `cannot look up A of a.test: ${server.address}`;
  t.equal(await overTcp(), `${failed} gave no answer in 300 ms`);
  t.equal(await overTcp(Buffer.alloc(0)), `${failed} answered garbage: an answer to another question`);
  t.equal(await overTcp(Buffer.from('GET / HTTP/1.1')), `${failed} answered garbage: an answer to another question`);
  const question = { name: 'a.test', type: 'A', transport: 'tcp', bytes: Buffer.alloc(0), id: 0 } as const;
  const cut = Buffer.from(encodeReply(question, { answers: [] }));
  truncated.copy(cut, 2);
  t.equal(await overTcp(cut), `${failed} cut its answer off, over TCP too`);
});

t.test('resolv.conf: its servers, and its search domains one after the other', async (t) => {
  const name = 'stores.tempo.svc.cluster.test';
  const server = await startDnsServer(t, zone({ [`A ${name}`]: addressRecords(name, 5, '10.0.0.1'), 'A b.whole.test': [] }));
  const [ip, port] = server.address.split(':');
  const text = `# by hand\nnameserver [${ip}]:${port}\nsearch default.svc.cluster.test tempo.svc.cluster.test. whole.test\noptions ndots:2 edns0\n`;
  const file = join(t.testdir({ 'resolv.conf': text }), 'resolv.conf');
  const dns = clientOf(t, { resolvConf: file });
  t.match(await dns.addresses('stores', 'A', NEVER), { records: ['10.0.0.1'] });
  t.strictSame(server.questions, ['A stores.default.svc.cluster.test udp', `A ${name} udp`]);
  t.match(await dns.addresses(name, 'A', NEVER), { records: ['10.0.0.1'] });
  t.strictSame(server.questions.slice(2), [`A ${name} udp`], 'enough dots: tried as it is first');
  t.match(await refusal(dns.addresses('stores.', 'A', NEVER)), { message: 'there is no name stores. in DNS' });
  t.strictSame(await refusal(dns.addresses('a', 'A', NEVER)), {
    code: 'DNS_NO_SUCH_NAME',
    message: 'there is no name a in DNS (tried a.default.svc.cluster.test, a.tempo.svc.cluster.test, a.whole.test, a)',
    ttlMs: null,
  });
  t.match(await refusal(dns.addresses('b', 'A', NEVER)), { code: 'DNS_NO_RECORDS' }, 'one of the names exists');
  const { length } = server.questions;
  server.reply = () => ({ rcode: 2 });
  t.match(await refusal(dns.addresses('stores', 'A', NEVER)), { code: 'DNS_FAILED', message: /^cannot look up A of stores\.default\.svc/ });
  t.equal(server.questions.length, length + 1, 'the next domain may have another thing of that name');
});

t.test('resolv.conf: what is wrong with it is said', async (t) => {
  const directory = t.testdir({ empty: 'search a.test\nnameserver nobody\n' });
  const empty = join(directory, 'empty');
  const none = { code: 'DNS_FAILED', message: `cannot look up A of a.test: ${empty} names no server`, ttlMs: null };
  t.strictSame(await refusal(clientOf(t, { resolvConf: empty }).addresses('a.test', 'A', NEVER)), none);
  t.match(await refusal(clientOf(t, { resolvConf: directory }).addresses('a.test', 'A', NEVER)), { code: 'DNS_FAILED', message: /EISDIR/ });
  t.ok((await readResolvConf(join(directory, 'absent'))).servers.length > 0, "without the file: the system's");
});

t.test('resolv.conf: what it may say', (t) => {
  const server = (host: string, port = 53) => ({ host, port });
  t.strictSame(parseResolvConf(''), { servers: [], search: [], ndots: 1 });
  t.strictSame(
    parseResolvConf(
      '; a\n#nameserver 10.0.0.9\ndomain a.test b.test\nnameserver 10.0.0.1\n nameserver\tfd00::1 \nnameserver fe80::1%eth0\nnameserver [fd00::1]:5353\nnameserver 10.0.0.2:54\n' +
        'nameserver x\nnameserver\nnonsense\noptions rotate ndots:99 timeout:1\nsortlist 10.0.0.0\n',
    ),
    {
      servers: [server('10.0.0.1'), server('fd00::1'), server('fe80::1%eth0'), server('fd00::1', 5353), server('10.0.0.2', 54)],
      search: ['a.test'],
      ndots: 15,
    },
  );
  t.strictSame(parseResolvConf('domain a.test\r\nsearch b.test. .\toc\r\noptions ndots:0').search, ['b.test', 'oc']);
  const conf = { servers: [], search: ['b', 'c'], ndots: 1 };
  t.strictSame(wholeNames('a', conf), ['a.b', 'a.c', 'a']);
  t.strictSame(wholeNames('a.a', conf), ['a.a', 'a.a.b', 'a.a.c']);
  t.strictSame(wholeNames('a.', conf), ['a']);
  t.strictSame(wholeNames('a', { ...conf, ndots: 0 }), ['a', 'a.b', 'a.c']);
  t.end();
});
