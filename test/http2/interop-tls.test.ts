import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2, createSecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/core/index.ts';
import { createClientConnection, createServerConnection, findField, headerBlock } from '../../src/http2/index.ts';
import type { Http2Stream } from '../../src/http2/types.ts';
import { connect, createTlsClient, createTlsServer, listen, type TlsClientSettings } from '../../src/transport/index.ts';
import { echoHandler } from '../support/http2-echo.ts';

const golden = (name: string): string => readFileSync(join(import.meta.dirname, '../golden/tls', name), 'utf8');
const certificate = golden('localhost.crt');
const privateKey = golden('localhost.key');
const body = Buffer.from(Uint32Array.from({ length: 2_000_000 }, (_, index) => index * 2_654_435_761).buffer);

const settings: TlsClientSettings = {
  keyPairs: [],
  trustedCa: Buffer.from(certificate),
  crl: null,
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: ['TLS_AES_128_GCM_SHA256'],
  curves: ['X25519'],
  signatureAlgorithms: null,
  alpn: ['h2'],
  pins: null,
};

/** Our echo server behind TLS; resolves with its port. */
async function secureEcho(t: Test): Promise<number> {
  const keyPairs = [{ chain: Buffer.from(certificate), privateKey: Buffer.from(privateKey), password: null }];
  const tls = createTlsServer({
    ...settings,
    keyPairs,
    trustedCa: null,
    clientCertificate: 'ignored',
    tickets: { state: 'given', lifetimeS: null },
    prefersClientCiphers: false,
  });
  const sockets = new Set<Socket>();
  const server = await listen(
    { host: '127.0.0.1', port: 0 },
    {
      onSocket: (socket) => {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
        tls.accept(socket, 5000, systemClock, {
          onSecured: (secured) => {
            createServerConnection(secured, { clock: systemClock }, { onStream: echoHandler, onClose: () => {} });
          },
          onFailed: t.fail,
        });
      },
      onAcceptError: t.fail,
    },
  );
  t.teardown(async () => {
    await server.close();
    for (const socket of sockets) socket.destroy();
  });
  return server.address.port;
}

t.test('node client, our server over TLS: 8 MB both ways', async (t) => {
  const session = connectHttp2(`https://127.0.0.1:${await secureEcho(t)}`, {
    ca: certificate,
    servername: 'localhost',
    maxSessionMemory: 400,
  });
  t.teardown(() => session.destroy());
  for (let round = 0; round < 2; round += 1) {
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    stream.end(body);
    t.ok(Buffer.concat((await stream.toArray()) as Buffer[]).equals(body));
  }
});

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const tls = { client: createTlsClient(settings), serverName: 'localhost' };
    connect({ host: '127.0.0.1', port, timeoutMs: 5000, clock: systemClock, tls }, { onConnected: resolve, onFailed: reject });
  });
}

/** Sends `body` and collects what comes back, over TLS on a directly read socket. */
async function roundTrip(t: Test, port: number): Promise<{ received: Buffer; trailer: string | undefined }> {
  const socket = await connected(port);
  t.teardown(() => socket.destroy());
  const onStream = (): never => {
    throw new Error('a server opens no streams');
  };
  const connection = createClientConnection(socket, { clock: systemClock }, { onStream, onClose: () => {} });
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let at = 0;
    const pump = (): void => {
      let goesOn = true;
      while (goesOn && at < body.length) {
        goesOn = stream.sendData(body.subarray(at, at + 60_000), at + 60_000 >= body.length);
        at += 60_000;
      }
    };
    const stream = connection.openStream({
      onHeaders() {},
      onData: (chunk, endStream) => {
        chunks.push(Buffer.from(chunk));
        stream.credit(chunk.length);
        if (endStream) resolve({ received: Buffer.concat(chunks), trailer: undefined });
      },
      onTrailers: (trailers) => resolve({ received: Buffer.concat(chunks), trailer: findField(trailers, 'grpc-status')?.value }),
      onReset: ({ code }) => reject(new Error(`reset ${code}`)),
      onDrain: pump,
    }) as Http2Stream;
    const pseudo = { ':method': 'POST', ':scheme': 'https', ':path': '/', ':authority': 'localhost' };
    stream.sendHeaders(headerBlock(Object.entries(pseudo)), false);
    pump();
  });
}

t.test('our client, our server over TLS', async (t) => {
  const { received, trailer } = await roundTrip(t, await secureEcho(t));
  t.ok(received.equals(body));
  t.equal(trailer, '0');
});

t.test('our client, node server over TLS', async (t) => {
  const server = createSecureServer({ cert: certificate, key: privateKey, maxSessionMemory: 400 });
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  const { received } = await roundTrip(t, (server.address() as AddressInfo).port);
  t.ok(received.equals(body));
});
