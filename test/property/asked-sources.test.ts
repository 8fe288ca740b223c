import { type AddressInfo, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/core/index.ts';
import { createConsulSource } from '../../src/membership/sources/consul/index.ts';
import { createDnsSource } from '../../src/membership/sources/dns/index.ts';
import { createTempoSource } from '../../src/membership/sources/tempo/index.ts';
import type { MembershipSource, SourceReport } from '../../src/membership/types.ts';
import { addressRecords, encodeReply, serviceRecords, startDnsServer } from '../support/dns-server.ts';
import { recordedRing } from '../support/recorded-rings.ts';
import { sourceDeps } from '../support/source-deps.ts';

const { RINGWAY_SEED } = process.env;
const seed = Number(RINGWAY_SEED ?? Math.floor(Math.random() * 2 ** 31));
t.comment(`seed ${seed} (RINGWAY_SEED)`);

const KEYS = { instances: 'collectors/live-store', partitions: null };
const NAMES = { name: 'source', ring: 'live-store' };
const deps = sourceDeps(systemClock);
const RING = recordedRing('running').instanceBytes;

async function firstReport(source: MembershipSource): Promise<SourceReport> {
  const abort = new AbortController();
  try {
    for await (const report of source.watch(abort.signal)) return report;
  } finally {
    abort.abort();
  }
  throw new Error('the stream ended');
}

/** A good report, or one line. */
function isSound(report: SourceReport): boolean {
  if (report.kind === 'failed') return report.error.name === 'RingwayError' && !report.error.message.includes('\n');
  return new Set(report.members.map(({ id }) => id)).size === report.members.length && !report.warning?.includes('\n');
}

/** A server that answers each connection, once something has come, with these pieces, and closes. */
async function startRawServer(t: Test) {
  let pieces: readonly Uint8Array[] = [];
  const server = createServer((socket: Socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.once('data', async () => {
      for (const piece of pieces) {
        socket.write(piece);
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    answer: (next: readonly Uint8Array[]) => {
      pieces = next;
    },
  };
}

const access = { tls: null, keys: KEYS, timeoutMs: 500 } as const;
const tempo = (url: string): MembershipSource =>
  createTempoSource({ ...NAMES, ...access, urls: [url], everyMs: 1000, bearer: null, headers: new Map() }, deps);
const consul = (url: string): MembershipSource =>
  createConsulSource({ ...NAMES, ...access, url, waitMs: 1000, datacenter: '', token: null }, deps);
const SOURCES = [
  ['tempo', tempo, 'content-type: application/octet-stream'],
  ['consul', consul, 'x-consul-index: 7'],
] as const;

const answerOf = (header: string, body: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${header}\r\ncontent-length: ${body.length}\r\n\r\n`), body]);

for (const [name, create, header] of SOURCES) {
  t.test(`${name}: any answer is a sound report`, async (t) => {
    const server = await startRawServer(t);
    const line = fc.constantFrom(
      header,
      'content-type: text/html',
      'content-encoding: br',
      'content-length: 5',
      'transfer-encoding: chunked',
      'x: \u0000',
    );
    const answers = fc.tuple(
      fc.constantFrom('HTTP/1.1 200 OK', 'HTTP/1.1 404 Not Found', 'HTTP/1.1 301 Moved', 'HTTP/1.0 200', 'HTTP/2 999', 'nonsense'),
      fc.array(line, { maxLength: 4 }),
      fc.oneof(
        fc.constant(RING),
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(RING.length).map((end) => RING.subarray(0, end)),
      ),
    );
    await fc.assert(
      fc.asyncProperty(answers, async ([status, headers, body]) => {
        server.answer([Buffer.concat([Buffer.from([status, ...headers, '', ''].join('\r\n')), body])]);
        return isSound(await firstReport(create(server.url)));
      }),
      { seed, numRuns: 150 },
    );
  });

  t.test(`${name}: an answer in any pieces is the same report, one cut off or changed is sound`, async (t) => {
    const server = await startRawServer(t);
    const whole = answerOf(header, RING);
    server.answer([whole]);
    const expected = await firstReport(create(server.url));
    t.match(expected, { kind: 'members', members: { length: 4 } });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(whole.length), { maxLength: 12 }), async (cuts) => {
        const ends = [...cuts, whole.length].sort((a, b) => a - b);
        server.answer(ends.map((end, i) => whole.subarray(ends[i - 1] ?? 0, end)));
        const report = await firstReport(create(server.url));
        t.same(report.kind === 'members' && report.members, expected.kind === 'members' && expected.members);
      }),
      { seed, numRuns: 60 },
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(RING.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(whole.length), async (at, octet, end) => {
        const changed = Buffer.from(RING);
        changed[at] = octet;
        server.answer([answerOf(header, changed).subarray(0, end % 3 === 0 ? end : whole.length)]);
        return isSound(await firstReport(create(server.url)));
      }),
      { seed, numRuns: 150 },
    );
  });
}

t.test('dns: any answer is a sound report', async (t) => {
  const server = await startDnsServer(t);
  const options = { ...NAMES, dnsName: 'stores.test', servers: [server.address], minTtlMs: 1000, maxTtlMs: 1000, timeoutMs: 20, zone: '' };
  const changes = fc.array(fc.tuple(fc.nat(600), fc.integer({ min: 0, max: 255 })), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('A', 'A+AAAA', 'SRV'), changes, fc.nat(600), async (records, octets, cut) => {
      server.reply = (question) => {
        const services = serviceRecords(question.name, 5, 'a-0.test 9096', 'a-1.test 9096');
        const additionals = addressRecords('a-0.test', 5, '10.0.0.1', 'fd00::1');
        const answers =
          question.type === 'SRV' ? services : addressRecords(question.name, 5, question.type === 'A' ? '10.0.0.1' : 'fd00::1');
        const bytes = encodeReply(question, { answers, additionals });
        for (const [at, octet] of octets) bytes[3 + (at % (bytes.length - 3))] = octet;
        return { bytes: [bytes.subarray(0, cut % 4 === 0 ? cut % (bytes.length + 1) : bytes.length), bytes.subarray(0, 2)] };
      };
      const report = await firstReport(createDnsSource({ ...options, records, port: records === 'SRV' ? null : 9096 }, deps));
      return isSound(report) && (report.kind === 'failed' || report.members.length > 0);
    }),
    { seed, numRuns: 100 },
  );
});
