import { headers, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import fc from 'fast-check';
import t from 'tap';
import { parseDelivery } from '../../../src/membership/bus/nats/delivery.ts';
import { ServerList } from '../../../src/membership/bus/nats/server-list.ts';
import { SightingReader } from '../../../src/membership/bus/nats/sighting.ts';
import { encodeRegistration } from '../../../src/membership/bus/registration.ts';

const DELIVERY = { revision: 8, sequence: 2, storedMs: 1_795_279_739_102, pending: 1 };
const REGISTRATION = {
  id: 'a',
  address: '10.0.0.1:9096',
  zone: '',
  partition: null,
  state: 'ACTIVE',
  session: 's',
  registeredMs: 1_795_279_000_000,
} as const;
const VALUE = encodeRegistration(REGISTRATION);

function message(key: string, data: Uint8Array, head?: Readonly<Record<string, string>>): Msg {
  const given: MsgHdrs | undefined = head && headers();
  for (const [name, value] of Object.entries(head ?? {})) given?.set(name, value);
  return { subject: `$KV.ringway.${key}`, data, headers: given } as unknown as Msg;
}

t.test('what JetStream says of a delivery, in both forms', async (t) => {
  t.strictSame(parseDelivery('$JS.ACK.KV_ringway.c.1.8.2.1795279739102084398.1'), DELIVERY);
  t.strictSame(parseDelivery('$JS.ACK.hub.AHASH.KV_ringway.c.1.8.2.1795279739102084398.1'), DELIVERY);
  t.strictSame(parseDelivery('$JS.ACK.hub.AHASH.KV_ringway.c.1.8.2.1795279739102084398.1.random'), DELIVERY);
  for (const reply of [
    undefined,
    '',
    '$JS.FC.x',
    '$JS.ACK.a.b.1.2.3.4',
    '$JS.ACK.a.b.1.x.3.4.5',
    '$JS.ACK.a.b.c.1.2.3.4.5',
    '_INBOX.a.b.1.2.3.4.5.6',
  ])
    t.equal(parseDelivery(reply), null, `${reply}`);
  fc.assert(fc.property(fc.string(), (text) => parseDelivery(`$JS.ACK.${text}`) === null || /\d/.test(text)));
});

t.test('a value, the same again, another, and none any more', async (t) => {
  const reader = new SightingReader('ringway');
  const seen = { kind: 'present', key: 'r.a', registration: REGISTRATION, heardMs: DELIVERY.storedMs, revision: 8 };
  const first = reader.read(message('r.a', VALUE), DELIVERY);
  t.strictSame(first, seen);
  const again = reader.read(message('r.a', VALUE, { 'Nats-Expected-Last-Subject-Sequence': '8' }), { ...DELIVERY, revision: 9 });
  t.strictSame(again, { ...seen, revision: 9 });
  t.equal(again.kind === 'present' && first.kind === 'present' && again.registration === first.registration, true, 'not parsed again');
  const moved = encodeRegistration({ ...REGISTRATION, address: '10.0.0.2:9096' });
  t.match(reader.read(message('r.a', moved), DELIVERY), { kind: 'present', registration: { address: '10.0.0.2:9096' } });
  for (const marker of [{ 'KV-Operation': 'DEL' }, { 'KV-Operation': 'PURGE' }, { 'Nats-Marker-Reason': 'MaxAge' }])
    t.strictSame(reader.read(message('r.a', Buffer.alloc(0), marker), DELIVERY), { kind: 'gone', key: 'r.a', id: 'a' });
});

t.test('an answer of JetStream at a key says nothing, though its bytes are good or known', async (t) => {
  const reader = new SightingReader('ringway');
  reader.read(message('r.a', VALUE), DELIVERY);
  for (const extra of [{}, { 'KV-Operation': 'DEL' }])
    t.match(reader.read(message('r.a', VALUE, { 'Nats-Stream': 'KV_ringway', ...extra }), DELIVERY), {
      kind: 'unreadable',
      key: 'r.a',
      id: 'a',
      problem: /^is an answer/,
    });
});

t.test('whatever stands at whatever key, it is one of the three', async () => {
  const reader = new SightingReader('ringway');
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => Buffer.from(text)),
    fc.constant(VALUE),
  );
  const key = fc.oneof(fc.constant('r.a'), fc.stringMatching(/^[A-Za-z0-9=_.-]{1,30}$/));
  const head = fc.option(fc.dictionary(fc.constantFrom('Nats-Stream', 'KV-Operation', 'Nats-Rollup', 'X'), fc.constantFrom('DEL', 'x')), {
    nil: undefined,
  });
  fc.assert(
    fc.property(key, bytes, head, (name, data, more) => {
      const sighting = reader.read(message(name, data, more), DELIVERY);
      return sighting.kind === 'present' ? name.endsWith('.a') && more?.['Nats-Stream'] === undefined : sighting.key.length <= 201;
    }),
  );
});

t.test('servers: configured and found ones, in random order, the last one last', async (t) => {
  let seed = 0;
  const list = new ServerList(['nats://a:4222', 'tls://b', 'nats://[::1]:4333'], () => (seed = (seed + 0.4) % 1));
  t.equal(list.size, 3);
  const order = [...list.next()];
  t.strictSame(order.map(({ address }) => address).sort(), ['[::1]:4333', 'a:4222', 'b:4222']);
  t.strictSame(
    order.find(({ address }) => address === 'b:4222'),
    { address: 'b:4222', tls: true, certificateName: 'b' },
  );
  t.equal(order.find(({ address }) => address === '[::1]:4333')?.certificateName, '::1');
  const last = order.at(-1);
  list.connected({ info: { connect_urls: ['a:4222', '10.0.0.1:4222'] } } as never);
  t.equal(list.size, 4);
  const found = [...list.next()];
  t.equal(found.at(-1)?.address, last?.address);
  t.equal(
    found.find(({ address }) => address === '10.0.0.1:4222')?.certificateName,
    last?.certificateName,
    'as of the server that told of it',
  );
  list.connected({ info: { connect_urls: Array.from({ length: 1000 }, (_, i) => `10.0.${i >> 8}.${i & 255}:1`) } } as never);
  t.equal(list.size, 67);
});
