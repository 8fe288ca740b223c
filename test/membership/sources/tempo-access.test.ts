import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { type ClientTlsConfig, ConfigError, createConfig, type SecretRef } from '../../../src/config/index.ts';
import { encodeSnappyBlock } from '../../../src/membership/dskit/index.ts';
import { createTempoSource, type TempoSourceOptions } from '../../../src/membership/sources/tempo/index.ts';
import type { SourceReport } from '../../../src/membership/types.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { sourceDeps } from '../../support/source-deps.ts';
import { bytesPage, INSTANCES_PATH, memberlistPages, PARTITIONS_PATH, type Page, startTempoServer } from '../../support/tempo-server.ts';

const golden = (name: string): string => join(import.meta.dirname, '../../golden/tls', name);
const CERTIFICATE = readFileSync(golden('localhost.crt'));
const KEY = readFileSync(golden('localhost.key'));

const tlsOf = (fields: Partial<ClientTlsConfig> = {}): ClientTlsConfig => ({
  ca: golden('localhost.crt'),
  certificate: null,
  privateKey: null,
  serverName: null,
  insecureSkipVerify: false,
  ...fields,
});

const optionsFor = (url: string, fields: Partial<TempoSourceOptions> = {}): TempoSourceOptions => ({
  name: 'tempo',
  ring: 'live-store',
  urls: [url],
  everyMs: 1000,
  timeoutMs: 2000,
  keys: { instances: 'collectors/live-store', partitions: 'collectors/livestore-partitions' },
  tls: null,
  bearer: null,
  headers: new Map(),
  ...fields,
});

/** A source that is watched; URLs without their port. */
function watch(t: Test, options: TempoSourceOptions, environment: Readonly<Record<string, string>> = {}) {
  const clock = new FakeClock();
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  const reports = createTempoSource(options, sourceDeps(clock, environment)).watch(abort.signal)[Symbol.asyncIterator]();
  const said = ({ value }: IteratorResult<SourceReport>): number | string => {
    if (value === undefined) return 'end';
    if (value.kind === 'members') return value.members.length;
    t.notMatch(value.error.message, '\n');
    return `${value.error.code} ${value.error.message.replaceAll(/(localhost|127\.0\.0\.1):\d+/g, '$1')}`;
  };
  return {
    clock,
    first: async () => said(await reports.next()),
    again: async () => {
      await clock.advance(1000);
      return said(await reports.next());
    },
  };
}

const PAGE = `https://localhost${INSTANCES_PATH}`;

t.test('https: the server is checked, by the file as it is now', async (t) => {
  const server = await startTempoServer(t, memberlistPages(), { cert: CERTIFICATE, key: KEY });
  t.equal(await watch(t, optionsFor(server.url, { tls: tlsOf() })).first(), 4);
  t.equal(await watch(t, optionsFor(server.url, { tls: tlsOf({ insecureSkipVerify: true, ca: null }) })).first(), 4);
  const unknown = `PEER_UNREACHABLE ${PAGE}: self-signed certificate; tls.ca says whom to trust`;
  t.equal(await watch(t, optionsFor(server.url)).first(), unknown, "without tls: the system's authorities");
  const other = optionsFor(server.url.replace('localhost', '127.0.0.1'), { tls: tlsOf({ serverName: 'tempo.example' }) });
  t.match(
    await watch(t, other).first(),
    /^PEER_UNREACHABLE .*: Hostname\/IP does not match certificate's altnames: Host: tempo\.example\./,
  );
  t.equal(await watch(t, { ...other, tls: tlsOf({ serverName: 'localhost' }) }).first(), 4);

  const ca = join(t.testdir({}), 'ca.crt');
  const rotated = watch(t, optionsFor(server.url, { tls: tlsOf({ ca }) }));
  t.match(await rotated.first(), /^TLS_FILE cannot read .*ca\.crt: ENOENT/);
  writeFileSync(ca, rootCertificates[0] as string);
  t.equal(await rotated.again(), unknown);
  copyFileSync(golden('localhost.crt'), ca);
  t.equal(await rotated.again(), 4);
  writeFileSync(ca, '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n');
  t.match(await rotated.again(), /^PEER_UNREACHABLE https:\/\/localhost\/memberlist.*: /);
});

t.test('https with a client certificate', async (t) => {
  const server = await startTempoServer(t, memberlistPages(), { cert: CERTIFICATE, key: KEY, ca: CERTIFICATE, requestCert: true });
  const ours = tlsOf({ certificate: golden('localhost.crt'), privateKey: golden('localhost.key') });
  t.equal(await watch(t, optionsFor(server.url, { tls: ours })).first(), 4);
  t.match(await watch(t, optionsFor(server.url, { tls: tlsOf() })).first(), `PEER_UNREACHABLE ${PAGE}: tlsv13 alert certificate required`);
  t.match(
    await watch(t, optionsFor(server.url.replace('https', 'http'))).first(),
    /^PEER_UNREACHABLE http:\/\/localhost\/.*: (socket hang up|read ECONNRESET)$/,
  );
});

t.test('bearer and headers are sent, secrets as they are now', async (t) => {
  const seen: string[] = [];
  const pages = memberlistPages();
  const server = await startTempoServer(
    t,
    Object.fromEntries(
      Object.entries(pages).map(([path, page]): [string, Page] => [
        path,
        ({ headers }, response) => {
          seen.push(`${headers['authorization']} ${headers['x-scope-orgid']} ${headers['x-key']} ${headers['accept-encoding']}`);
          if (typeof page === 'object') response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(page.body);
        },
      ]),
    ),
  );
  const file = join(t.testdir({ token: 'first-token\n' }), 'token');
  const headers = new Map<string, string | SecretRef>([
    ['x-scope-orgid', 'single-tenant'],
    ['x-key', { kind: 'env', name: 'KEY' }],
  ]);
  const { first, again } = watch(t, optionsFor(server.url, { bearer: { kind: 'file', file }, headers }), { KEY: 'k-1' });
  t.equal(await first(), 4);
  t.strictSame([...new Set(seen)], ['Bearer first-token single-tenant k-1 identity']);
  writeFileSync(file, 'second-token');
  t.equal(await again(), 4);
  t.equal(seen.at(-1), 'Bearer second-token single-tenant k-1 identity');
  t.equal(seen.length, 4, 'both keys each time');
});

t.test('a secret is never told, not even when the server sends it back', async (t) => {
  const file = join(t.testdir({ token: 'to-be-kept' }), 'token');
  const bearer = { kind: 'file', file } as const;
  const echo: Page = ({ headers }, response) => {
    response.writeHead(403, { 'content-type': 'text/plain' }).end(`no entry for "${headers['authorization']}"`);
  };
  const server = await startTempoServer(t, { [INSTANCES_PATH]: echo, [PARTITIONS_PATH]: echo });
  const { first, again } = watch(t, optionsFor(server.url, { bearer }));
  const refused = `PEER_REFUSED http://127.0.0.1${INSTANCES_PATH}: answered 403 text/plain "no entry for "Bearer [secret]""; bearer, headers and tls say who asks`;
  t.equal(await first(), refused);
  writeFileSync(file, 'to-be-kept\nin two lines');
  t.equal(await again(), `SECRET ${file}: has what no header can hold, allowed: visible ASCII`);
  writeFileSync(file, '\n');
  t.equal(await again(), `SECRET ${file}: there is no secret in it`);
  t.equal(
    await watch(t, optionsFor(server.url, { bearer: { kind: 'env', name: 'TOKEN' } }), { TOKEN: 'gehéim' }).first(),
    'SECRET environment variable TOKEN: has what no header can hold, allowed: visible ASCII',
  );
});

t.test('a secret is not told in part either: nothing is cut off before it is struck out', async (t) => {
  const [token, key] = [`Token-${'0123456789'.repeat(40)}`, 'Token-0123'];
  const kept = (path: string) => `http://127.0.0.1${path}`;
  const echoes: readonly (readonly [Page, string])[] = [
    [
      ({ headers }, response) =>
        response.writeHead(403, { 'content-type': 'text/plain' }).end(`${' '.repeat(30)}you sent ${headers['authorization']}`),
      `PEER_REFUSED ${kept(INSTANCES_PATH)}: answered 403 text/plain "you sent Bearer [secret]"; bearer, headers and tls say who asks`,
    ],
    [
      ({ headers }, response) =>
        response.writeHead(302, { location: `https://login.example/?next=${headers['authorization']?.slice(7)}` }).end(),
      `NOT_A_RING ${kept(INSTANCES_PATH)}: answered 302 to "https://login.example/?next=[secret]" instead of the bytes of a ring (application/octet-stream)`,
    ],
    [
      ({ headers }, response) => response.writeHead(200, { 'content-type': `text/${headers['authorization']?.slice(7)}` }).end(),
      `NOT_A_RING ${kept(INSTANCES_PATH)}: answered 200 text/[secret] "" instead of the bytes of a ring (application/octet-stream)`,
    ],
    [
      ({ headers }, response) => response.writeHead(200, { 'content-encoding': `${headers['authorization']?.slice(7)}` }).end(),
      `PEER_COMPRESSED ${kept(INSTANCES_PATH)}: sent "[secret]", which was not asked for`,
    ],
  ];
  for (const [echo, told] of echoes) {
    const server = await startTempoServer(t, { [INSTANCES_PATH]: echo, [PARTITIONS_PATH]: echo });
    const headers = new Map<string, string | SecretRef>([['x-key', { kind: 'env', name: 'KEY' }]]);
    const options = optionsFor(server.url, { bearer: { kind: 'env', name: 'TOKEN' }, headers });
    t.equal(await watch(t, options, { TOKEN: token, KEY: key }).first(), told, 'the one that begins as the other does is struck out whole');
  }
  const page: Page = ({ headers }, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(`{"shards":[{"id":${headers['authorization']}}]}`);
  const server = await startTempoServer(t, { '/live-store/ring': page, '/partition-ring': page });
  const first = await watch(t, optionsFor(server.url, { bearer: { kind: 'env', name: 'TOKEN' } }), { TOKEN: token }).first();
  t.match(first, /^BAD_RING_JSON .*: the JSON is not the instance ring page: /);
  t.notMatch(first, '0123');
});

t.test('an answer in pieces of one octet takes no more memory than one in one piece', async (t) => {
  const COUNT = 300_000;
  const crumbs: Page = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    response.flushHeaders();
    response.socket?.end(`${'1\r\nx\r\n'.repeat(COUNT)}0\r\n\r\n`);
  };
  const server = await startTempoServer(t, { [INSTANCES_PATH]: crumbs, [PARTITIONS_PATH]: { status: 500, body: '' } });
  const before = process.resourceUsage().maxRSS;
  t.match(await watch(t, optionsFor(server.url)).first(), /^BAD_SNAPPY /);
  const grownMib = (process.resourceUsage().maxRSS - before) / 1024;
  t.ok(grownMib < 64, 'memory', { grownMib });
});

t.test('of several peers, one trouble that all have is told once', async (t) => {
  const server = await startTempoServer(t, memberlistPages());
  const options = optionsFor(server.url, { urls: [server.url, `${server.url}/prefix`], bearer: { kind: 'env', name: 'TOKEN' } });
  t.equal(await watch(t, options).first(), 'NO_PEER_WORKS environment variable TOKEN: there is no secret in it');
});

const varint = (value: bigint): number[] => (value < 128n ? [Number(value)] : [Number(value & 127n) | 128, ...varint(value >> 7n)]);
const field = (number: number, bytes: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from([number * 8 + 2, ...varint(BigInt(bytes.length))]), bytes]);
/** An instance ring with one entry of these bytes. */
const ringOf = (instance: Uint8Array): Uint8Array =>
  encodeSnappyBlock(field(1, Buffer.concat([field(1, Buffer.from('a')), field(2, instance)])));

t.test('garbage is one line, and bombs go off nowhere', async (t) => {
  const good = memberlistPages();
  const server = await startTempoServer(t, good);
  const { first, again } = watch(t, optionsFor(server.url));
  t.equal(await first(), 4);
  const after = async (page: Page): Promise<number | string> => {
    server.pages = { ...good, [INSTANCES_PATH]: page };
    return again();
  };
  const at = `http://127.0.0.1${INSTANCES_PATH}`;
  const address = field(1, Buffer.from('10.0.0.1:9096'));

  const begun = process.cpuUsage();
  t.equal(await after(bytesPage(ringOf(Buffer.concat([address, field(6, Buffer.alloc(10_000_000))])))), 1, '10,000,000 tokens');
  t.equal(
    await after(bytesPage(ringOf(Buffer.concat([address, field(6, Buffer.alloc(30_000_000))])))),
    `BAD_SNAPPY ${at}: the snappy block is 30000033 bytes when decoded, at most 22020096 are allowed`,
  );
  t.comment(`${process.cpuUsage(begun).user / 1000} ms of CPU for both`);

  const negative = Buffer.concat([address, Buffer.from([2 * 8, ...varint((1n << 64n) - 5n)])]);
  t.equal(await after(bytesPage(ringOf(negative))), `BAD_RING_BYTES ${at}: the bytes have the impossible time -5 s`);
  const bytes = typeof good[INSTANCES_PATH] === 'object' ? Buffer.from(good[INSTANCES_PATH].body) : Buffer.alloc(0);
  t.match(await after(bytesPage(bytes.subarray(0, -7))), /^BAD_SNAPPY .*: the snappy block ends /);
  t.match(await after(good[PARTITIONS_PATH] as Page), /^BAD_RING_BYTES .*: the bytes are not an instance ring: /, "the other key's value");
  t.equal(
    await after(bytesPage(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]))),
    `BAD_SNAPPY ${at}: the snappy block is 4294967295 bytes when decoded, at most 22020096 are allowed`,
  );
  const gzip: Page = (_request, response) => {
    response
      .writeHead(200, { 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' })
      .end(gzipSync(Buffer.alloc(1_000_000)));
  };
  t.equal(await after(gzip), `PEER_COMPRESSED ${at}: sent "gzip", which was not asked for`);
  const endless: Page = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    const more = (): void => {
      if (!response.destroyed) response.write(Buffer.alloc(1 << 20), more);
    };
    more();
  };
  t.equal(await after(endless), `PEER_TOO_LARGE ${at}: sent more than the 22020096 bytes that are allowed`);
  t.equal(await after(good[INSTANCES_PATH] as Page), 4, 'and on it goes');
});

t.test('configuration: headers, and what is said of what is not allowed', (t) => {
  const tempoOf = (tempo: object) =>
    createConfig('/etc/flags', { rings: { r: { sources: [{ tempo: { urls: ['https://a'], ...tempo } }] } } }).rings.get('r')?.sources[0];
  t.match(
    tempoOf({ bearer: { file: '/run/token' }, headers: { 'X-Scope-OrgID': 'a', 'x-key': { env: 'KEY' } }, tls: { ca: '/run/ca.crt' } }),
    {
      bearer: { kind: 'file', file: '/run/token' },
      headers: new Map<string, unknown>([
        ['x-scope-orgid', 'a'],
        ['x-key', { kind: 'env', name: 'KEY' }],
      ]),
      tls: { ca: '/run/ca.crt', certificate: null, insecureSkipVerify: false },
    },
  );
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ bearer: 'secret' }, /^flags: rings\.r\.sources\[0\]\.tempo\.bearer: /],
    [
      { bearer: { env: 'A' }, headers: { Authorization: 'x' } },
      /tempo\.bearer: does not go with a header authorization, allowed: one of both$/,
    ],
    [{ headers: { Host: 'x' } }, /"Host" is not a header name, allowed: letters, digits and "-", but none of accept, /],
    [{ headers: { 'x y': 'x' } }, /"x y" is not a header name/],
    [{ headers: { x: 'a\nb' } }, /is not a header value, allowed: visible ASCII, or where a secret is: /],
    [{ headers: { x: 5 } }, /is not a header value, allowed: /],
    [{ tls: { certificate: 'a' } }, /tempo\.tls: has one of certificate and privateKey, allowed: both or neither$/],
  ];
  for (const [tempo, message] of cases) {
    try {
      tempoOf(tempo);
      t.fail(`accepted: ${JSON.stringify(tempo)}`);
    } catch (error) {
      t.match(error instanceof ConfigError && error.problems[0]?.replace('/etc/', ''), message);
    }
  }
  t.end();
});
