// Large bodies, cancellation and deadlines through the whole data path.
import { createHash } from 'node:crypto';
import type { ServerHttp2Stream } from 'node:http2';
import t from 'tap';
import { egressRetries, http2Cluster, routeTo, startDataPlane } from '../../support/data-plane.ts';
import { answerGrpc, createClient, grpcMessage, grpcStatus, type Peer, startPeer, until } from '../../support/h2-peers.ts';
import { ms } from '../../support/message.ts';

const FORMAT = '%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %UPSTREAM_REQUEST_ATTEMPT_COUNT%';
const MIB = 1 << 20;

/** RST_STREAM. Node ends a response that nothing waits to be written of before it resets it: then there is nothing left to be cut. */
function cut(stream: ServerHttp2Stream, code: number): void {
  if (stream.headersSent) stream.write('x');
  stream.close(code);
}

t.test('a request of 16 MiB that is retried arrives as it was; one byte more is not', async (t) => {
  const digests: string[] = [];
  const flaky = await startPeer((stream) => {
    stream.resume();
    stream.once('end', () => stream.close(8));
  });
  const good = await startPeer((stream) => {
    const hash = createHash('sha256');
    stream.on('data', (chunk: Buffer) => hash.update(chunk));
    stream.once('end', () => digests.push(hash.digest('hex')));
    answerGrpc(stream);
  });
  const plane = await startDataPlane({
    clusters: [http2Cluster('c', [[flaky.address], [good.address]])],
    routes: [routeTo('c', { timeout: ms(0), retryPolicy: egressRetries() })],
    directory: t.testdir(),
    format: FORMAT,
  });
  const client = createClient(plane.target);
  const body = Buffer.alloc(16 * MIB);
  for (let i = 0; i < body.length; i += 4) body.writeUInt32LE(Math.imul(i, 2_654_435_761) >>> 0, i);
  t.equal(grpcStatus(await client.call({ body })), 0);
  t.strictSame(digests, [createHash('sha256').update(body).digest('hex')]);
  t.equal(plane.stat('cluster.c.retry_or_shadow_abandoned'), 0);
  t.equal(grpcStatus(await client.call({ body: Buffer.concat([body, Buffer.from('x')]) })), 14);
  t.equal(plane.stat('cluster.c.retry_or_shadow_abandoned'), 1);
  await client.close();
  t.strictSame(plane.log(), ['- via_upstream 2', 'UR upstream_reset_before_response_started{remote_reset} 1']);
  await plane.stop();
  await Promise.all([flaky.kill(), good.kill()]);
});

t.test('cancellation passes within 10 ms, both ways', async (t) => {
  let cancelledAt = 0;
  const toUpstream: number[] = [];
  const toCaller: number[] = [];
  const peer = await startPeer((stream) => {
    stream.resume();
    stream.once('close', () => toUpstream.push(performance.now() - cancelledAt));
  });
  const resetting = await startPeer((stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
    stream.resume();
    stream.once('end', () =>
      setTimeout(() => {
        cancelledAt = performance.now();
        cut(stream, 2);
      }, 1),
    );
  });
  const plane = await startDataPlane({
    clusters: [http2Cluster('held', [[peer.address]]), http2Cluster('broken', [[resetting.address]])],
    routes: [routeTo('held', { timeout: ms(0) }, '/held'), routeTo('broken', { timeout: ms(0) })],
    directory: t.testdir(),
  });
  const client = createClient(plane.target);
  for (let i = 0; i < 30; i += 1) {
    const held = client.open({ ':path': '/held' });
    await until(() => peer.streams.length === i + 1);
    cancelledAt = performance.now();
    held.close(8);
    await until(() => toUpstream.length === i + 1);
    const broken = client.open().resume();
    await new Promise<void>((resolve) => broken.once('response', () => resolve()));
    broken.end('x');
    await new Promise<void>((resolve) => broken.once('close', resolve));
    toCaller.push(performance.now() - cancelledAt);
    t.equal(broken.rstCode, 2);
  }
  t.ok(peer.streams.every(({ closedBy }) => closedBy === 8));
  for (const [name, times] of Object.entries({ toUpstream, toCaller })) {
    const median = times.toSorted((a, b) => a - b)[15] as number;
    t.ok(median <= 10, `${name}: half within ${median.toFixed(2)} ms`); // a busy machine takes a few longer
  }
  await client.close();
  await plane.stop();
  await Promise.all([peer.kill(), resetting.kill()]);
});

t.test('a caller whose own time is over is told so, whatever its server did', async (t) => {
  const cutAfter = (headersFirst: boolean): Promise<Peer> =>
    startPeer((stream) => {
      stream.resume();
      if (headersFirst) stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      setTimeout(() => cut(stream, 8), 60);
    });
  const [before, after] = [await cutAfter(false), await cutAfter(true)];
  const plane = await startDataPlane({
    clusters: [http2Cluster('before', [[before.address]]), http2Cluster('after', [[after.address]])],
    routes: [
      routeTo('before', { timeout: ms(0), retryPolicy: egressRetries() }, '/before'),
      routeTo('after', { timeout: ms(0), retryPolicy: egressRetries() }),
    ],
    directory: t.testdir(),
    format: FORMAT,
  });
  const client = createClient(plane.target);
  const late = { 'grpc-timeout': '50m' };
  const outcome = await client.call({ path: '/before', headers: late });
  t.strictSame([grpcStatus(outcome), grpcMessage(outcome)], [4, 'the deadline of the call has passed; reset reason: remote reset']);
  t.equal(before.streams.length, 1, 'nobody waits for a second try');
  t.equal((await client.call({ headers: late })).reset, 8, 'CANCEL: gRPC clients make DEADLINE_EXCEEDED of it');
  const early = { 'grpc-timeout': '10S' };
  t.equal(grpcStatus(await client.call({ path: '/before', headers: early })), 14);
  t.equal(before.streams.length, 3, 'a server that is early is tried again');
  t.equal((await client.call({ headers: early })).reset, 2);
  await client.close();
  t.strictSame(plane.log(), [
    'UR upstream_reset_before_response_started{remote_reset} 1',
    'UR upstream_reset_after_response_started{remote_reset} 1',
    'URX,UR upstream_reset_before_response_started{remote_reset} 2',
    'UR upstream_reset_after_response_started{remote_reset} 1',
  ]);
  await plane.stop();
  await Promise.all([before.kill(), after.kill()]);
});
