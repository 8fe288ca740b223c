import { readFileSync } from 'node:fs';
import { connect as connectNet, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { createClientTlsContext, createTlsAcceptor, offerTls, readTlsFiles, type TlsMaterial } from '../../src/transport/index.ts';

const golden = (name: string): string => join(import.meta.dirname, '../golden/tls', name);
const own: TlsMaterial = {
  certificate: readFileSync(golden('localhost.crt'), 'utf8'),
  privateKey: readFileSync(golden('localhost.key'), 'utf8'),
};
const trusted: TlsMaterial = { trustedCa: own.certificate! };
const server = { alpn: ['h2'], requireClientCertificate: false, handshakeTimeoutMs: 5000 };

/** A plain TCP connection on loopback, both ends. */
async function pair(t: Test): Promise<[client: Socket, server: Socket]> {
  const listener = createServer();
  const accepted = new Promise<Socket>((resolve) => listener.once('connection', resolve));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const client = connectNet(address.port, '127.0.0.1');
  const sockets: [Socket, Socket] = [client, await accepted];
  listener.close();
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  return sockets;
}

async function handshake(
  t: Test,
  acceptor: ReturnType<typeof createTlsAcceptor>,
  client: TlsMaterial,
  serverName = 'localhost',
): Promise<[PromiseSettledResult<TLSSocket>, PromiseSettledResult<TLSSocket>]> {
  const [near, far] = await pair(t);
  const context = createClientTlsContext(client);
  return Promise.allSettled([offerTls(near, { context, alpn: ['h2', 'http/1.1'], serverName }), acceptor.accept(far)]);
}

function reasonOf(result: PromiseSettledResult<TLSSocket>): { code?: string; message?: string } {
  return result.status === 'rejected' ? (result.reason as { code: string; message: string }) : {};
}

t.test('both sides agree on h2 and talk', async (t) => {
  const [client, accepted] = await handshake(t, createTlsAcceptor(own, server), trusted);
  if (client.status !== 'fulfilled' || accepted.status !== 'fulfilled') throw new Error('no handshake');
  t.equal(client.value.alpnProtocol, 'h2');
  t.equal(accepted.value.alpnProtocol, 'h2');
  accepted.value.end('hello');
  const chunks = await client.value.toArray();
  t.equal(Buffer.concat(chunks as Buffer[]).toString(), 'hello');
});

t.test('a server that is not who it should be is refused', async (t) => {
  const acceptor = createTlsAcceptor(own, server);
  const [name] = await handshake(t, acceptor, trusted, 'other.example');
  t.match(reasonOf(name), { code: 'TLS_HANDSHAKE', message: /does not match certificate/ });
  const [authority] = await handshake(t, acceptor, {});
  t.match(reasonOf(authority), { code: 'TLS_HANDSHAKE', message: /self-signed certificate/ });
});

t.test('a client without a certificate is refused where one is required', async (t) => {
  const acceptor = createTlsAcceptor({ ...own, ...trusted }, { ...server, requireClientCertificate: true });
  const [, refused] = await handshake(t, acceptor, trusted);
  t.match(reasonOf(refused), { code: 'TLS_HANDSHAKE' });
  const [, accepted] = await handshake(t, acceptor, { ...own, ...trusted });
  t.equal(accepted.status, 'fulfilled');
});

t.test('one acceptor keeps several handshakes apart', async (t) => {
  const acceptor = createTlsAcceptor(own, server);
  const results = await Promise.all([
    handshake(t, acceptor, trusted),
    handshake(t, acceptor, trusted, 'other.example'),
    handshake(t, acceptor, trusted),
  ]);
  t.same(
    results.map(([client]) => client.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  const [first, , third] = results.map(([, accepted]) => (accepted.status === 'fulfilled' ? accepted.value : undefined));
  t.not(first, third);
  first?.end('first');
  const client = results[0]![0];
  if (client.status !== 'fulfilled') throw new Error('no handshake');
  t.equal(Buffer.concat((await client.value.toArray()) as Buffer[]).toString(), 'first');
});

t.test('bad material is said, and does not replace good', async (t) => {
  t.throws(() => createTlsAcceptor({ certificate: 'x', privateKey: 'y' }, server), { code: 'TLS_MATERIAL' });
  const acceptor = createTlsAcceptor(own, server);
  t.throws(() => acceptor.replaceMaterial({ certificate: own.certificate!, privateKey: 'y' }), { code: 'TLS_MATERIAL' });
  const [client] = await handshake(t, acceptor, trusted);
  t.equal(client.status, 'fulfilled');
  await t.rejects(readTlsFiles({ certificate: '/nowhere/tls.crt' }), { code: 'TLS_FILE', message: /cannot read \/nowhere\/tls\.crt/ });
  t.same(await readTlsFiles({ trustedCa: golden('localhost.crt') }), trusted);
});

t.test('a client that leaves in mid handshake rejects it', async (t) => {
  const [near, far] = await pair(t);
  const accepting = createTlsAcceptor(own, server).accept(far);
  near.destroy();
  await t.rejects(accepting, { code: 'TLS_HANDSHAKE' });
});
