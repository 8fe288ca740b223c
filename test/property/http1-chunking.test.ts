// However the octets of HTTP/1.1 requests are cut up, the same requests come of them, in order.
import { duplexPair } from 'node:stream';
import fc from 'fast-check';
import t from 'tap';
import { systemClock } from '../../src/core/index.ts';
import { Http1Server } from '../../src/http1/index.ts';
import { headerBlock } from '../../src/http2/index.ts';

interface Request {
  readonly path: string;
  readonly body: string;
  readonly framing: 'none' | 'length' | readonly number[];
}

const request: fc.Arbitrary<Request> = fc.record({
  path: fc.stringMatching(/^\/[a-z0-9]{0,20}$/),
  body: fc.string({ maxLength: 200 }),
  framing: fc.oneof(
    fc.constant('none' as const),
    fc.constant('length' as const),
    fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
  ),
});

function octetsOf({ path, body, framing }: Request): Buffer {
  const bytes = Buffer.from(body);
  const head = `POST ${path} HTTP/1.1\r\nhost: a\r\n`;
  if (framing === 'none') return Buffer.from(`${head}\r\n`);
  if (framing === 'length') return Buffer.concat([Buffer.from(`${head}content-length: ${bytes.length}\r\n\r\n`), bytes]);
  const parts = [Buffer.from(`${head}transfer-encoding: chunked\r\n\r\n`)];
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const chunk = bytes.subarray(at, at + (framing[i % framing.length] as number));
    at += chunk.length;
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

/** What a server sees of octets that come in these pieces: path and body of each request. */
function served(octets: Buffer, cuts: readonly number[], count: number): Promise<string[]> {
  const [near, far] = duplexPair();
  return new Promise((resolve) => {
    const seen: string[] = [];
    const server = new Http1Server({ clock: systemClock });
    const connection = server.accept(
      far,
      { scheme: 'http' },
      {
        onStream: (stream) => {
          let text = '';
          const end = (): void => {
            seen.push(text);
            stream.sendHeaders(headerBlock([[':status', '204']]), true);
            if (seen.length === count) connection.destroy();
          };
          return {
            onHeaders(headers, endStream) {
              text = `${headers.find(({ name }) => name === ':path')?.value} `;
              if (endStream) end();
            },
            onData(chunk, endStream) {
              text += chunk.toString();
              stream.credit(chunk.length);
              if (endStream) end();
            },
            onTrailers: end,
            onReset() {},
            onDrain() {},
            onInvalid: ({ details }) => void seen.push(details),
          };
        },
        onClose: () => resolve(seen),
      },
    );
    near.on('error', () => {});
    near.resume();
    const edges = [...new Set([0, ...cuts.map((cut) => cut % octets.length), octets.length])].sort((a, b) => a - b);
    edges.forEach((edge, i) => {
      if (i > 0) near.write(octets.subarray(edges[i - 1], edge));
    });
  });
}

t.test('any cutting gives the same requests', async (t) => {
  const seed = Number(process.env['RINGWAY_SEED'] ?? Date.now() % 1_000_000);
  t.comment(`seed ${seed} (RINGWAY_SEED)`);
  const property = fc.asyncProperty(
    fc.array(request, { minLength: 1, maxLength: 8 }),
    fc.array(fc.nat(), { maxLength: 30 }),
    async (requests, cuts) => {
      const seen = await served(Buffer.concat(requests.map(octetsOf)), cuts, requests.length);
      const expected = requests.map(({ path, body, framing }) => `${path} ${framing === 'none' ? '' : Buffer.from(body).toString()}`);
      return JSON.stringify(seen) === JSON.stringify(expected);
    },
  );
  await fc.assert(property, { numRuns: 200, seed });
  t.pass('held');
});
