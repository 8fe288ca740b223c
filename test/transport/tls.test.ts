import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectNet, createServer, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/core/index.ts';
import {
  type BoundServer,
  connect,
  createTlsClient,
  createTlsServer,
  listen,
  readChunks,
  readTlsFiles,
  type TlsClientSettings,
  type TlsError,
  type TlsServerSettings,
} from '../../src/transport/index.ts';
import {
  type CertificateName,
  makeCertificate,
  makeRevocationList,
  type TestCertificate,
  writeCertificates,
} from '../support/certificates.ts';
import { FakeClock } from '../support/fake-clock.ts';

const folder = t.testdir();
const made = writeCertificates(folder);

const shared = {
  keyPairs: [],
  trustedCa: null,
  crl: null,
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: ['TLS_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  curves: ['X25519', 'P-256'],
  signatureAlgorithms: null,
  alpn: ['h2'],
  pins: null,
} as const satisfies TlsClientSettings;

const pairOf = ({ certificate, privateKey }: TestCertificate) => ({
  chain: Buffer.from(certificate),
  privateKey: Buffer.from(privateKey),
  password: null,
});
const pem = (name: CertificateName): Buffer => Buffer.from(made[name].certificate);

function serverSettings(more: Partial<TlsServerSettings> = {}): TlsServerSettings {
  const tickets = { state: 'given', lifetimeS: null } as const;
  return { ...shared, keyPairs: [pairOf(made.server)], clientCertificate: 'ignored', tickets, prefersClientCiphers: false, ...more };
}

/** What came of an accepted connection: the secured socket, or why not. */
type Outcome = TLSSocket | TlsError;

interface TestServer {
  readonly port: number;
  /** Outcomes in the order in which they came. */
  next(): Promise<Outcome>;
  readonly sockets: ReadonlySet<Socket>;
  /** Resolves when the last of them is closed. */
  empty(): Promise<void>;
}

async function serve(t: Test, settings: TlsServerSettings, clock = systemClock): Promise<TestServer> {
  const tls = createTlsServer(settings);
  const outcomes: Outcome[] = [];
  const waiting: ((outcome: Outcome) => void)[] = [];
  const sockets = new Set<Socket>();
  const take = (outcome: Outcome): void => {
    const first = waiting.shift();
    if (first) first(outcome);
    else outcomes.push(outcome);
  };
  const server: BoundServer = await listen(
    { host: '127.0.0.1', port: 0 },
    {
      onAcceptError: t.fail,
      onSocket(socket) {
        socket.on('error', () => {});
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
        tls.accept(socket, 5000, clock, { onSecured: take, onFailed: take });
      },
    },
  );
  t.teardown(async () => {
    await server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port: server.address.port,
    sockets,
    async empty() {
      while (sockets.size > 0) await new Promise((resolve) => setImmediate(resolve));
    },
    next: () => new Promise((resolve) => (outcomes.length > 0 ? resolve(outcomes.shift() as Outcome) : waiting.push(resolve))),
  };
}

/** Our client; resolves with the socket or the error. */
function dial(
  t: Test,
  port: number,
  settings: Partial<TlsClientSettings> = {},
  serverName = '',
  timeoutMs = 5000,
): Promise<Socket | Error> {
  const client = createTlsClient({ ...shared, ...settings });
  return new Promise((resolve) => {
    connect(
      { host: '127.0.0.1', port, timeoutMs, clock: systemClock, tls: { client, serverName } },
      {
        onConnected(socket) {
          t.teardown(() => socket.destroy());
          resolve(socket);
        },
        onFailed: resolve,
      },
    );
  });
}

/** Node's client, which verifies nothing. */
async function dialNode(t: Test, port: number, more: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...more });
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  await Promise.race([once(socket, 'secureConnect').catch(() => {}), new Promise((resolve) => socket.once('close', resolve))]);
  return socket;
}

function codeOf(outcome: unknown): string {
  return outcome instanceof Error && 'code' in outcome ? String(outcome.code) : 'secured';
}

function secured(outcome: unknown): TLSSocket {
  if (outcome instanceof Error) throw outcome;
  return outcome as TLSSocket;
}

t.test('both sides agree on h2 and talk; reading is direct on our client', async (t) => {
  const server = await serve(t, serverSettings());
  const client = secured(await dial(t, server.port, { trustedCa: pem('ca') }, 'localhost'));
  const accepted = secured(await server.next());
  t.equal(client.alpnProtocol, 'h2');
  t.equal(accepted.alpnProtocol, 'h2');
  t.equal(accepted.servername, 'localhost');
  t.equal(accepted.getProtocol(), 'TLSv1.3');
  t.equal(accepted.getCipher().name, 'TLS_AES_128_GCM_SHA256');
  const chunks: Buffer[] = [];
  t.ok(readChunks(client, (chunk) => chunks.push(Buffer.from(chunk))));
  client.resume();
  const sent = Buffer.alloc(300_000, 'x');
  accepted.end(sent);
  await once(client, 'end');
  t.ok(Buffer.concat(chunks).equals(sent));
});

t.test('a client with authorities refuses servers of others, by chain and never by name', async (t) => {
  const server = await serve(t, serverSettings());
  const wrong = await dial(t, server.port, { trustedCa: pem('other-ca') });
  t.equal(codeOf(wrong), 'TLS_UNTRUSTED');
  t.match(wrong, { message: /^TLS_error:\|SSL routines:CERTIFICATE_VERIFY_FAILED:unable to .*:TLS_error_end$/ });
  await server.next();
  t.equal(codeOf(await dial(t, server.port, { trustedCa: pem('ca') }, 'any.other.name')), 'secured');
  t.equal(codeOf(await dial(t, server.port, {})), 'secured', 'without authorities nothing is verified');
  const old = await serve(t, serverSettings({ keyPairs: [pairOf(made.expired)] }));
  t.match(await dial(t, old.port, { trustedCa: pem('ca') }), { message: /certificate has expired/ });
});

t.test('a client certificate is ignored, asked for, or required', async (t) => {
  const certificate = (name: CertificateName): ConnectionOptions => ({ cert: made[name].certificate, key: made[name].privateKey });
  const outcomeOf = async (server: TestServer, options: ConnectionOptions): Promise<string> => {
    await dialNode(t, server.port, options);
    return codeOf(await server.next());
  };
  const trusting = { trustedCa: pem('ca') };
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const only = { maxVersion: version };
    const ignored = await serve(t, serverSettings({ ...trusting, ...only }));
    t.equal(await outcomeOf(ignored, certificate('stranger')), 'secured');
    const asked = await serve(t, serverSettings({ ...trusting, ...only, clientCertificate: 'asked' }));
    t.equal(await outcomeOf(asked, {}), 'secured');
    t.equal(await outcomeOf(asked, certificate('client')), 'secured');
    t.equal(await outcomeOf(asked, certificate('stranger')), 'TLS_UNTRUSTED');
    const required = await serve(t, serverSettings({ ...trusting, ...only, clientCertificate: 'required' }));
    t.equal(await outcomeOf(required, {}), 'TLS_NO_CERTIFICATE');
    t.equal(await outcomeOf(required, certificate('client')), 'secured');
    t.equal(await outcomeOf(required, certificate('stranger')), 'TLS_UNTRUSTED');
    t.equal(await outcomeOf(required, certificate('expired')), 'TLS_UNTRUSTED');
    const unverified = await serve(t, serverSettings({ ...only, clientCertificate: 'required' }));
    t.equal(await outcomeOf(unverified, certificate('stranger')), 'secured');
    t.equal(await outcomeOf(unverified, {}), 'TLS_NO_CERTIFICATE');
  }
});

t.test('a session that began with a bad certificate cannot be resumed into a good one', async (t) => {
  const server = await serve(t, serverSettings({ trustedCa: pem('ca'), clientCertificate: 'asked' }));
  const bad = { cert: made.stranger.certificate, key: made.stranger.privateKey };
  const socket = connectTls({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...bad });
  socket.on('error', () => {});
  const sessions: Buffer[] = [];
  socket.on('session', (session) => sessions.push(session));
  t.equal(codeOf(await server.next()), 'TLS_UNTRUSTED');
  if (!socket.closed) await once(socket, 'close');
  for (const session of sessions) {
    await dialNode(t, server.port, { ...bad, session });
    t.equal(codeOf(await server.next()), 'TLS_UNTRUSTED');
  }
});

t.test('a good session is resumed, unless there are no tickets', async (t) => {
  for (const [state, reused] of [
    ['given', true],
    ['none', false],
  ] as const) {
    const tickets = state === 'given' ? { state, lifetimeS: 60 } : { state };
    const server = await serve(t, serverSettings({ tickets, trustedCa: pem('ca'), clientCertificate: 'required' }));
    const own = { cert: made.client.certificate, key: made.client.privateKey };
    const first = connectTls({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...own });
    t.teardown(() => first.destroy());
    let session: Buffer | undefined;
    first.on('session', (given) => {
      session = given;
    });
    secured(await server.next()).end('x');
    first.resume();
    await once(first, 'end');
    await dialNode(t, server.port, session === undefined ? own : { ...own, session });
    t.equal(secured(await server.next()).isSessionReused(), reused, `tickets ${state}`);
  }
});

t.test('pins accept by certificate or public key, and nothing else', async (t) => {
  const server = await serve(t, serverSettings());
  const node = await dialNode(t, server.port);
  const leaf = node.getPeerX509Certificate();
  if (!leaf) throw new Error('a server has a certificate');
  const hash = leaf.fingerprint256.replaceAll(':', '').toLowerCase();
  const none: ReadonlySet<string> = new Set();
  const pinned = (certificates: ReadonlySet<string>, publicKeys: ReadonlySet<string>): Promise<unknown> =>
    dial(t, server.port, { pins: { certificates, publicKeys } });
  t.equal(codeOf(await pinned(new Set([hash]), none)), 'secured');
  t.equal(codeOf(await pinned(new Set(['0'.repeat(64)]), none)), 'TLS_PINNED');
  const spki = createHash('sha256')
    .update(leaf.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
  t.equal(codeOf(await pinned(none, new Set([spki]))), 'secured');
});

t.test('a revoked certificate is refused, an intermediate authority may be the anchor', async (t) => {
  const root = makeCertificate('root', { isAuthority: true });
  const middle = makeCertificate('middle', { isAuthority: true, issuer: root });
  const leaf = makeCertificate('leaf', { issuer: middle, names: ['localhost'] });
  const server = await serve(t, serverSettings({ keyPairs: [pairOf(leaf)] }));
  t.equal(codeOf(await dial(t, server.port, { trustedCa: Buffer.from(middle.certificate) })), 'secured');
  const direct = await serve(t, serverSettings());
  const trustedCa = pem('ca');
  const { serialNumber } = new X509Certificate(made.server.certificate);
  const listed = (serials: readonly string[]): Buffer => Buffer.from(makeRevocationList(made.ca, serials));
  t.match(await dial(t, direct.port, { trustedCa, crl: listed([serialNumber]) }), { code: 'TLS_UNTRUSTED', message: /revoked/ });
  t.equal(codeOf(await dial(t, direct.port, { trustedCa, crl: listed(['7f']) })), 'secured');
});

t.test('one kind of key each: the client gets the certificate it can use', async (t) => {
  const rsa = makeCertificate('rsa', { issuer: made.ca, keyKind: 'rsa', names: ['localhost'] });
  const server = await serve(t, serverSettings({ keyPairs: [pairOf(made.server), pairOf(rsa)], maxVersion: 'TLSv1.2' }));
  for (const kind of ['ECDSA', 'RSA'] as const) {
    const socket = await dialNode(t, server.port, { ciphers: `ECDHE-${kind}-AES128-GCM-SHA256` });
    t.equal(socket.getPeerX509Certificate()?.publicKey.asymmetricKeyType, kind === 'RSA' ? 'rsa' : 'ec');
  }
});

t.test('ALPN: a client that offers only others is refused, one that offers none is not', async (t) => {
  const server = await serve(t, serverSettings({ alpn: ['h2', 'http/1.1'] }));
  await dialNode(t, server.port, { ALPNProtocols: ['grpc-exp'] });
  const refused = await server.next();
  t.equal(codeOf(refused), 'TLS_PROTOCOL');
  t.match(refused, { message: 'TLS_error:|SSL routines:NO_APPLICATION_PROTOCOL:TLS_error_end' });
  const none = connectTls({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false });
  t.teardown(() => none.destroy());
  t.equal(secured(await server.next()).alpnProtocol, false);
  await dialNode(t, server.port, { ALPNProtocols: ['http/1.1', 'h2'] });
  t.equal(secured(await server.next()).alpnProtocol, 'h2', 'our order counts');
});

t.test('old versions, plaintext and rubbish end the connection and nothing else', async (t) => {
  const server = await serve(t, serverSettings());
  await dialNode(t, server.port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' });
  t.equal(codeOf(await server.next()), 'TLS_PROTOCOL');
  const inputs = [
    'GET / HTTP/1.1\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    Buffer.from('16030100020100', 'hex'),
    Buffer.alloc(70_000, 0xff),
  ];
  for (const bytes of inputs) {
    const socket = connectNet(server.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    socket.end(bytes);
    t.match(codeOf(await server.next()), /^TLS_(PROTOCOL|CLOSED)$/);
  }
  await server.empty();
  t.equal(codeOf(await dial(t, server.port)), 'secured');
});

t.test('a client may not renegotiate', async (t) => {
  const server = await serve(t, serverSettings());
  const socket = await dialNode(t, server.port, { maxVersion: 'TLSv1.2' });
  secured(await server.next()).resume();
  const failed = new Promise<Error | null>((resolve) => {
    socket.once('error', resolve);
    socket.renegotiate({}, resolve);
  });
  t.match(await failed, { message: /no renegotiation/ });
});

t.test('a handshake that is cut or stalls is over, and leaves nothing', async (t) => {
  const clock = new FakeClock();
  const server = await serve(t, serverSettings(), clock);
  const cut = connectNet(server.port, '127.0.0.1');
  cut.write(Buffer.from('160301', 'hex'));
  await once(cut, 'connect');
  cut.destroy();
  t.equal(codeOf(await server.next()), 'TLS_CLOSED');
  const stalled = connectNet(server.port, '127.0.0.1');
  stalled.on('error', () => {});
  stalled.write(Buffer.from('160301', 'hex'));
  while (server.sockets.size === 0) await new Promise((resolve) => setImmediate(resolve));
  t.equal(clock.pending, 1);
  await clock.advance(5000);
  t.match(await server.next(), { code: 'TLS_TIMEOUT', message: 'TLS_error:|no handshake in 5000 ms:TLS_error_end' });
  stalled.resume();
  await server.empty();
  t.equal(clock.pending, 0);
});

t.test('a client gives up on silence, refusal, plaintext and closing', async (t) => {
  const reply = async (answer: (socket: Socket) => void): Promise<number> => {
    const listener = createServer((socket) => {
      socket.on('error', () => {});
      t.teardown(() => socket.destroy());
      answer(socket);
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    t.teardown(() => listener.close());
    return (listener.address() as { port: number }).port;
  };
  t.match(await dial(t, await reply(() => {}), {}, '', 50), { code: 'CONNECT_TIMEOUT' });
  const plain = await dial(t, await reply((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
  t.match(plain, { code: 'TLS_PROTOCOL', message: 'TLS_error:|SSL routines:WRONG_VERSION_NUMBER:TLS_error_end' });
  t.equal(codeOf(await dial(t, await reply((socket) => socket.destroy()))), 'TLS_CLOSED');
  const refusing = await serve(t, serverSettings());
  t.match(await dial(t, refusing.port, { alpn: ['other'] }), { code: 'TLS_PROTOCOL', message: /ALERT_NO_APPLICATION_PROTOCOL/ });
  t.equal(codeOf(await dial(t, 1)), 'CONNECT_REFUSED');
});

t.test('bad material is said, and keys are not', async (t) => {
  const bad = { chain: Buffer.from('x'), privateKey: Buffer.from('secret'), password: null };
  t.throws(() => createTlsServer(serverSettings({ keyPairs: [bad] })), { code: 'TLS_MATERIAL' });
  t.throws(() => createTlsClient({ ...shared, keyPairs: [{ ...pairOf(made.client), privateKey: Buffer.from(made.server.privateKey) }] }), {
    code: 'TLS_MATERIAL',
    message: /key values mismatch/,
  });
  await t.rejects(readTlsFiles({ certificate: '/nowhere/tls.crt' }), { code: 'TLS_FILE', message: /cannot read \/nowhere\/tls\.crt/ });
  t.same(await readTlsFiles({ trustedCa: `${folder}/ca.crt` }), { trustedCa: made.ca.certificate });
});

t.test('a thousand handshakes leave nothing', async (t) => {
  const clock = new FakeClock();
  const server = await serve(t, serverSettings(), clock);
  const client = createTlsClient(shared);
  for (let round = 0; round < 1000; round += 1) {
    const socket = await new Promise<Socket>((resolve, reject) => {
      const options = { host: '127.0.0.1', port: server.port, timeoutMs: 5000, clock, tls: { client, serverName: '' } };
      connect(options, { onConnected: resolve, onFailed: reject });
    });
    secured(await server.next()).end();
    socket.resume();
    if (!socket.closed) await once(socket, 'close');
  }
  await server.empty();
  t.equal(clock.pending, 0);
});
