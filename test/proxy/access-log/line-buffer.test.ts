import fc from 'fast-check';
import t from 'tap';
import { field, octetField } from '../../../src/http2/index.ts';
import { compileJson } from '../../../src/proxy/access-log/format/json.ts';
import { compileText } from '../../../src/proxy/access-log/format/text.ts';
import { LineBuffer } from '../../../src/proxy/access-log/line-buffer.ts';
import { RequestRecord } from '../../../src/proxy/access-log/record.ts';

const written = (write: (out: LineBuffer) => void): string => {
  const out = new LineBuffer();
  write(out);
  return out.take().toString('latin1');
};

/** Octets that a header's value may have (RFC 9110 §5.5). */
const octet = fc.oneof(
  fc.constantFrom(0x09, 0x22, 0x5c, 0x80, 0xff),
  fc.integer({ min: 0x20, max: 0x7e }),
  fc.integer({ min: 0x80, max: 0xff }),
);
const value = fc
  .constantFrom(0, 1, 63, 64, 65, 5000)
  .chain((length) => fc.array(octet, { minLength: length, maxLength: length }))
  .map((octets) => Buffer.from(octets));

t.test('a value is written the same from its octets and from its text', async () => {
  fc.assert(
    fc.property(value, (octets) => {
      const asOctets = octetField('x-request-id', Buffer.concat([Buffer.from('<'), octets, Buffer.from('>')]), 1, octets.length);
      const asText = field('x-request-id', octets.toString('latin1'));
      return (
        written((out) => out.value(asOctets)) === written((out) => out.text(asText.value)) &&
        written((out) => out.quotedValue(asOctets)) === written((out) => out.quoted(asText.value)) &&
        written((out) => out.quotedValue(asText)) === JSON.stringify(asText.value)
      );
    }),
  );
});

t.test('numbers are written as JSON has them', async (t) => {
  for (const number of [0, -0, 7, 9, 10, 99, 100, 999_999_999, 1e9, 2 ** 53, 1.5, -1, Number.NaN])
    t.equal(
      written((out) => out.number(number)),
      String(number),
    );
});

t.test('a header of octets in both kinds of line', async (t) => {
  const record = new RequestRecord({ startedAtMs: 0, startMs: 0 }, { remote: '127.0.0.1:1', local: '127.0.0.1:2' });
  record.requestHeaders = [octetField('x-request-id', Buffer.from('xx0123456789ab"cd'), 2, 15)];
  const json = compileJson(
    '',
    { id: '%REQ(X-REQUEST-ID)%', first: '%REQ(X-REQUEST-ID):4%', both: 'id=%REQ(X-REQUEST-ID)%', none: '%REQ(A)%' },
    false,
  );
  t.same(JSON.parse(written((out) => json(record, out))), { id: '0123456789ab"cd', first: '0123', both: 'id=0123456789ab"cd', none: null });
  const text = compileText('', '%REQ(X-REQUEST-ID)% %REQ(X-REQUEST-ID):4% %REQ(A?X-REQUEST-ID)% %REQ(A)%', false);
  t.equal(
    written((out) => text(record, out)),
    '0123456789ab"cd 0123 0123456789ab"cd -',
  );
});
