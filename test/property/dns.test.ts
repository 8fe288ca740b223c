import { type Answer, encode } from 'dns-packet';
import fc from 'fast-check';
import t from 'tap';
import { type Question, type Reply, readReply } from '../../src/transport/dns/message.ts';
import { addressRecords, encodeReply, serviceRecords, startOfAuthority } from '../support/dns-server.ts';

const { RINGWAY_SEED } = process.env;
const seed = Number(RINGWAY_SEED ?? Math.floor(Math.random() * 2 ** 31));
t.comment(`seed ${seed} (RINGWAY_SEED)`);

const ID = 0x1234;
const QUESTIONS: readonly Question[] = [
  { name: 'stores.test', kind: 'A' },
  { name: 'stores.test', kind: 'AAAA' },
  { name: 'stores.test', kind: 'SRV' },
];
const ASKED = { name: 'stores.test', type: 'A', transport: 'tcp', bytes: Buffer.alloc(0), id: ID } as const;
const asked = (type: string) => ({ ...ASKED, type });

/** Good answers of every kind, to be spoilt. */
const GOOD: readonly Buffer[] = [
  encodeReply(asked('A'), { answers: addressRecords('stores.test', 5, '10.0.0.1', '10.0.0.2') }),
  encodeReply(asked('AAAA'), { answers: addressRecords('stores.test', 5, 'fd00::1') }),
  encodeReply(asked('A'), {
    answers: [{ type: 'CNAME', name: 'stores.test', ttl: 1, data: 'x.test' }, ...addressRecords('x.test', 5, '10.0.0.1')],
  }),
  encodeReply(asked('SRV'), {
    answers: serviceRecords('stores.test', 5, 'a.test 1', 'b.test 2'),
    additionals: addressRecords('a.test', 5, '10.0.0.1', 'fd00::1'),
  }),
  encodeReply(asked('A'), { rcode: 3, authorities: [startOfAuthority('test', 5, 5)] }),
  encodeReply(asked('A'), {
    answers: [
      { type: 'TXT', name: 'stores.test', ttl: 1, data: ['a', 'b'] },
      { type: 'NSEC', name: 'stores.test', ttl: 1, data: { nextDomain: 'a.test', rrtypes: ['A', 'TXT'] } },
      { type: 'CAA', name: 'stores.test', ttl: 1, data: { tag: 'issue', value: 'x' } },
    ] as readonly Answer[],
  }),
];

/** Whatever comes, it is a reply, and what it says is sound. */
function isSound(reply: Reply | null): boolean {
  if (reply === null) return true;
  switch (reply.kind) {
    case 'found':
      return (
        reply.addresses.length + reply.targets.length > 0 &&
        reply.ttlMs >= 0 &&
        reply.ttlMs < 2 ** 31 * 1000 &&
        [...reply.addresses, ...reply.targets.flatMap(({ addresses }) => addresses)].every((text) => /^[\da-f:.]+$/.test(text)) &&
        reply.targets.every(({ target, port }) => target !== '' && Number.isInteger(port) && port >= 0 && port < 65_536)
      );
    case 'no-such-name':
    case 'no-records':
      return reply.ttlMs === null || (reply.ttlMs >= 0 && reply.ttlMs < 2 ** 32 * 1000);
    case 'malformed':
      return reply.what.length > 0 && !reply.what.includes('\n');
    default:
      return true;
  }
}

const readAll = (bytes: Buffer): boolean => QUESTIONS.every((question) => isSound(readReply(bytes, question, ID)));

t.test('any octets under the right header are a reply, never a throw', (t) => {
  const counts = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(counts, fc.uint8Array({ maxLength: 600 }), ([flags = 0, ...numbers], rest) => {
      const header = Buffer.alloc(12);
      [ID, flags | 0x8000, ...numbers].forEach((value, i) => {
        header.writeUInt16BE(value, i * 2);
      });
      return readAll(Buffer.concat([header, rest]));
    }),
    { seed, numRuns: 500 },
  );
  t.end();
});

t.test('a good answer, cut off anywhere or with octets changed, is a reply, never a throw', (t) => {
  const change = fc.record({ at: fc.nat(0xffff), to: fc.integer({ min: 0, max: 255 }) }, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.constantFrom(...GOOD), fc.array(change, { maxLength: 6 }), fc.nat(0xffff), (good, changes, cut) => {
      const bytes = Buffer.from(good);
      for (const { at, to } of changes) bytes[2 + (at % (bytes.length - 2))] = to;
      return readAll(bytes.subarray(0, cut % (bytes.length + 1)));
    }),
    { seed, numRuns: 3000 },
  );
  for (const good of GOOD) for (let length = 0; length <= good.length; length += 1) t.ok(readAll(good.subarray(0, length)));
  t.end();
});

t.test('names that point at themselves, at each other or far away end', (t) => {
  const header = (answers: number): Buffer => {
    const bytes = Buffer.alloc(12);
    [ID, 0x8000, 1, answers, 0, 0].forEach((value, i) => {
      bytes.writeUInt16BE(value, i * 2);
    });
    return bytes;
  };
  const question = encode({ questions: [{ name: 'stores.test', type: 'A' }] }).subarray(12);
  const record = (pointer: number): Buffer => {
    const bytes = Buffer.from([0, 0, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 10, 0, 0, 1]);
    bytes.writeUInt16BE(0xc000 | pointer);
    return bytes;
  };
  const at = 12 + question.length;
  const read = (pointer: number): Reply | null =>
    readReply(Buffer.concat([header(1), question, record(pointer)]), QUESTIONS[0] as Question, ID);
  t.match(read(at), { kind: 'malformed', what: 'a name that points at itself, or too often' });
  t.match(read(at + 2), { kind: 'malformed' });
  t.match(read(0x3fff), { kind: 'malformed' });
  t.match(read(12), { kind: 'found', addresses: ['10.0.0.1'] });

  // As many records as fit, each with a name that runs through a chain of pointers.
  const withChain = (pointers: number, count: number): Buffer => {
    const chain = Buffer.alloc(2 * pointers);
    for (let i = 2; i < chain.length; i += 2) chain.writeUInt16BE(0xc000 | (at + 11 + i - 2), i);
    const carrier = Buffer.concat([Buffer.from([0, 0, 10, 0, 1, 0, 0, 0, 5, chain.length >> 8, chain.length & 0xff]), chain]);
    const records = Array.from({ length: count }, () => record(at + 11 + chain.length - 2));
    return Buffer.concat([header(count + 1), question, carrier, ...records]);
  };
  t.match(readReply(withChain(8000, 3000), QUESTIONS[0] as Question, ID), {
    kind: 'malformed',
    what: 'a name that points at itself, or too often',
  });
  const most = withChain(128, 4000);
  t.ok(most.length < 65_536);
  // As many records as fit, each with the longest name there is, of labels that have to be escaped.
  const longest = Buffer.from([0, 0, 10, 0, 1, 0, 0, 0, 5, 0, 253, ...Array(126).fill([1, 0x2e]).flat(), 0]);
  const records = Array.from({ length: 4000 }, () => record(at + 11));
  const escaped = Buffer.concat([header(4001), question, longest, ...records]);
  for (const message of [most, escaped]) {
    const begun = process.threadCpuUsage();
    t.match(readReply(message, QUESTIONS[0] as Question, ID), { kind: 'no-records', ttlMs: null });
    const ms = process.threadCpuUsage(begun).user / 1000;
    t.ok(ms < 200, 'a name that many records share is read once', { ms });
  }
  t.end();
});

t.test('what another codec writes is read as it was meant', (t) => {
  const octet = fc.integer({ min: 0, max: 255 });
  const ttl = fc.integer({ min: 0, max: 2 ** 31 - 1 });
  const v4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));
  // Written out: the codec loses the last group of an address with one "::" for a single group.
  const v6 = fc.array(fc.constantFrom('0', '1', 'a0', 'ffff'), { minLength: 8, maxLength: 8 }).map((groups) => groups.join(':'));
  const label = fc.stringMatching(/^[a-z0-9_-]{1,20}$/);
  const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
  const addresses = fc.array(fc.tuple(ttl, fc.oneof(v4, v6)), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(name, addresses, fc.array(name, { maxLength: 3 }), (asked, given, noise) => {
      const kind = given[0]?.[1].includes(':') ? 'AAAA' : 'A';
      const answers = given.flatMap(([seconds, address]) => addressRecords(asked, seconds, address));
      const others: readonly Answer[] = noise.map((text) => ({ type: 'TXT', name: asked, ttl: 0, data: [text] }));
      const reply = readReply(
        encodeReply({ ...ASKED, name: asked.toUpperCase(), type: kind }, { answers: [...others, ...answers] }),
        { name: asked, kind },
        ID,
      );
      const mine = given.filter(([, address]) => address.includes(':') === (kind === 'AAAA'));
      const normal = mine.map(([, address]) => (kind === 'A' ? address : new URL(`http://[${address}]`).hostname.slice(1, -1)));
      t.same(reply, {
        kind: 'found',
        addresses: [...new Set(normal)],
        targets: [],
        ttlMs: Math.min(...mine.map(([seconds]) => seconds)) * 1000,
      });
    }),
    { seed, numRuns: 100 },
  );
  fc.assert(
    fc.property(name, fc.array(fc.tuple(name, fc.nat(65_535), ttl), { minLength: 1, maxLength: 20 }), (asked, given) => {
      const answers = given.flatMap(([target, port, seconds]) => serviceRecords(asked, seconds, `${target} ${port}`));
      const reply = readReply(encodeReply({ ...ASKED, name: asked, type: 'SRV' }, { answers }), { name: asked, kind: 'SRV' }, ID);
      const targets = given.map(([target, port]) => ({ target, port, priority: 0, weight: 1, addresses: [] }));
      t.same(reply, { kind: 'found', addresses: [], targets, ttlMs: Math.min(...given.map(([, , seconds]) => seconds)) * 1000 });
    }),
    { seed, numRuns: 100 },
  );
  t.end();
});

t.test('what is no host name keeps apart what is apart', (t) => {
  const odd: Answer = { type: 'SRV', name: 'stores.test', ttl: 5, data: { target: 'A b.é.test', port: 1 } };
  const reply = readReply(encodeReply({ ...ASKED, type: 'SRV' }, { answers: [odd] }), { name: 'stores.test', kind: 'SRV' }, ID);
  t.match(reply, { kind: 'found', targets: [{ target: 'a\\032b.\\195\\169.test' }] });
  t.end();
});

t.test('a chain of CNAMEs without an end is garbage', (t) => {
  const loop = (['a.test', 'stores.test'] as const).map((data, i): Answer => {
    return { type: 'CNAME', name: i === 0 ? 'stores.test' : 'a.test', ttl: 5, data };
  });
  t.match(readReply(encodeReply(asked('A'), { answers: loop }), QUESTIONS[0] as Question, ID), {
    kind: 'malformed',
    what: 'more than 16 CNAMEs in a row',
  });
  t.end();
});
