import fc from 'fast-check';
import t from 'tap';
import { assertAnnouncement, encodeRegistration, parseRegistration, type Registration } from '../../../src/membership/bus/registration.ts';

const GOOD: Registration = {
  id: 'a-0',
  address: '10.0.0.1:9096',
  zone: 'zone-a',
  partition: 3,
  state: 'JOINING',
  session: '6fd4',
  registeredMs: 1_795_260_970_000,
};
const json = (fields: object): Uint8Array => Buffer.from(JSON.stringify({ v: 1, ...GOOD, ...fields }));

t.test('it is this JSON, and is read back as it was', async (t) => {
  const text = Buffer.from(encodeRegistration(GOOD)).toString();
  t.equal(
    text,
    '{"v":1,"id":"a-0","address":"10.0.0.1:9096","zone":"zone-a","partition":3,"state":"JOINING","session":"6fd4","registeredMs":1795260970000}',
  );
  t.strictSame(parseRegistration(Buffer.from(text), 'a-0'), GOOD);
  t.strictSame(parseRegistration(json({ later: 'key' }), 'a-0'), GOOD, 'later versions may say more');
});

t.test('anything else is one line that says what is wrong', async (t) => {
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [Buffer.from(''), /^not JSON: /],
    [Buffer.from('{"v":1,"id":"a-0"'), /^not JSON: /],
    [Buffer.from([0xff, 0xfe, 0x0a, 0x0d]), /^not JSON: [ -~]*$/],
    [Buffer.from('null'), /^the value: /],
    [Buffer.from('[]'), /^the value: /],
    [Buffer.from('<html>'), /^not JSON: /],
    [json({ v: 2 }), /^v: /],
    [json({ id: 'b-0' }), /^is the registration of "b-0"$/],
    [json({ id: 'a 0' }), /^id: /],
    [json({ address: '' }), /^address: /],
    [json({ address: 'x'.repeat(600) }), /^address: /],
    [json({ address: 1 }), /^address: /],
    [json({ zone: 'ö' }), /^zone: /],
    [json({ partition: -1 }), /^partition: /],
    [json({ partition: 1.5 }), /^partition: /],
    [json({ partition: 2 ** 31 }), /^partition: /],
    [json({ state: 'active' }), /^state: /],
    [json({ session: '' }), /^session: /],
    [json({ registeredMs: -1 }), /^registeredMs: /],
    [json({ registeredMs: '1' }), /^registeredMs: /],
    [json({ zone: 'z'.repeat(5000) }), /^51\d\d bytes, allowed: up to 4096$/],
  ];
  for (const [bytes, expected] of cases) {
    const parsed = parseRegistration(bytes, 'a-0');
    t.ok('problem' in parsed, Buffer.from(bytes).toString().slice(0, 60));
    if ('problem' in parsed) t.match(parsed.problem, expected);
  }
});

t.test('whatever the bytes are, they are read or named in one short line', async () => {
  const readable = (bytes: Uint8Array): boolean => {
    const parsed = parseRegistration(bytes, 'a-0');
    return !('problem' in parsed) || (/^[ -~]*$/.test(parsed.problem) && parsed.problem.length < 400);
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), readable));
  fc.assert(fc.property(fc.json(), (text) => readable(Buffer.from(text))));
  const bytes = Buffer.from(encodeRegistration(GOOD));
  const spoilt = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)).map(([at, byte]) => {
    const copy = Buffer.from(bytes);
    copy[at] = byte;
    return copy;
  });
  fc.assert(fc.property(spoilt, readable));
  fc.assert(
    fc.property(fc.record({ id: fc.anything(), address: fc.anything(), partition: fc.anything() }), (fields) => readable(json(fields))),
  );
});

t.test('an announcement is checked before it is sent', async (t) => {
  assertAnnouncement(GOOD);
  t.throws(() => assertAnnouncement({ ...GOOD, id: '' }), { code: 'BUS_REFUSED', message: /^member "": id: / });
  t.throws(() => assertAnnouncement({ ...GOOD, id: 'a\nb' }), { code: 'BUS_REFUSED' });
  t.throws(() => assertAnnouncement({ ...GOOD, zone: 'z'.repeat(254) }), { code: 'BUS_REFUSED' });
});
