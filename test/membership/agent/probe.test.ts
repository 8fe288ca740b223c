import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { parseHostPort, systemClock } from '../../../src/core/index.ts';
import { encodeHealthResponse, type ServingStatus } from '../../../src/grpc/index.ts';
import { HealthProbe } from '../../../src/membership/agent/index.ts';
import { connect } from '../../../src/transport/index.ts';
import { answerGrpc, type Peer, startPeer } from '../../support/h2-peers.ts';
import { freePort } from '../../support/ports.ts';

function probeOf(t: Test, address: string, tenant = '0'): HealthProbe {
  const probe = new HealthProbe({ target: parseHostPort(address), tenant, clock: systemClock, connect });
  t.teardown(() => probe.close());
  return probe;
}

/** A live-store whose answer the test sets: a status, bytes, a grpc-status, or none at all. */
async function startStore(t: Test): Promise<Peer & { answer: ServingStatus | Buffer | number | 'hang' }> {
  const peer = await startPeer((stream) => {
    if (store.answer === 'hang') return;
    if (typeof store.answer === 'number') {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': store.answer, 'grpc-message': 'no org id' },
        { endStream: true },
      );
      return;
    }
    answerGrpc(stream, { body: framed(typeof store.answer === 'string' ? encodeHealthResponse(store.answer) : store.answer) });
  });
  const store = Object.assign(peer, { answer: 'SERVING' as ServingStatus | Buffer | number | 'hang' });
  t.teardown(() => peer.kill());
  return store;
}

function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

t.test('asks for the whole server with exactly one x-scope-orgid, over one connection', async (t) => {
  const store = await startStore(t);
  const probe = probeOf(t, store.address);
  for (let i = 0; i < 3; i += 1) t.strictSame(await probe.check(), { kind: 'serving' });
  t.equal(store.sessions.size, 1);
  t.equal(store.streams.length, 3);
  for (const { headers, rawNames } of store.streams) {
    t.match(headers, { ':path': '/grpc.health.v1.Health/Check', ':authority': store.address, 'x-scope-orgid': '0', te: 'trailers' });
    t.equal(rawNames.filter((name) => name === 'x-scope-orgid').length, 1);
  }
  const other = probeOf(t, store.address, 'ops');
  await other.check();
  t.match(store.streams.at(-1)?.headers, { 'x-scope-orgid': 'ops' });
});

t.test('what the answers mean', async (t) => {
  const store = await startStore(t);
  const probe = probeOf(t, store.address);
  for (const status of ['NOT_SERVING', 'UNKNOWN', 'SERVICE_UNKNOWN'] as const) {
    store.answer = status;
    t.strictSame(await probe.check(), { kind: 'not-serving' }, status);
  }
  store.answer = 12;
  t.strictSame(await probe.check(), { kind: 'unimplemented' });
  store.answer = 2;
  t.strictSame(await probe.check(), { kind: 'failed', reason: 'UNKNOWN: no org id' });
  store.answer = Buffer.from('<html>');
  t.match(await probe.check(), { kind: 'failed', reason: /not a HealthCheckResponse/ });
  t.equal(store.sessions.size, 1, 'none of that costs the connection');
});

t.test('one that hangs is given up after a second and asked again over another connection', async (t) => {
  const store = await startStore(t);
  const probe = probeOf(t, store.address);
  store.answer = 'hang';
  const startedMs = performance.now();
  t.match(await probe.check(), { kind: 'failed', reason: /^DEADLINE_EXCEEDED: no answer in \d+ ms$/ });
  const tookMs = performance.now() - startedMs;
  t.ok(tookMs > 900 && tookMs < 3_000, `${Math.round(tookMs)} ms`);
  const [first] = store.sessions;
  store.answer = 'SERVING';
  t.strictSame(await probe.check(), { kind: 'serving' });
  t.notOk(store.sessions.has(first as NonNullable<typeof first>));
});

t.test('nobody there, somebody who came back, somebody who speaks another language', async (t) => {
  const port = await freePort();
  const nobody = probeOf(t, `127.0.0.1:${port}`);
  t.match(await nobody.check(), { kind: 'refused', reason: `cannot connect to 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}` });
  const store = await startStore(t);
  const probe = probeOf(t, store.address);
  await probe.check();
  await store.kill();
  t.match(await probe.check(), { kind: /^(refused|failed)$/ });
  t.match(await probe.check(), { kind: 'refused' }, 'gone, at the second look at the latest');
  const sockets: Socket[] = [];
  const other = createServer((socket) => {
    sockets.push(socket);
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  }).listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.match(await probeOf(t, `127.0.0.1:${(other.address() as { port: number }).port}`).check(), { kind: 'failed' });
  for (const socket of sockets) socket.destroy();
  other.close();
  t.match(await probeOf(t, 'no-such-host.invalid:9095').check(), { kind: 'failed', reason: /no-such-host\.invalid/ });
});

t.test('closed in the middle of a check, the check ends', async (t) => {
  const store = await startStore(t);
  store.answer = 'hang';
  const probe = probeOf(t, store.address);
  const checked = probe.check();
  while (store.streams.length === 0) await new Promise((resolve) => setImmediate(resolve));
  probe.close();
  t.match(await checked, { kind: 'failed' });
  const dialling = probeOf(t, store.address);
  const dialled = dialling.check();
  dialling.close();
  t.match(await dialled, { kind: 'failed', reason: 'stopped' });
});
