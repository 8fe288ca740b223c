// One try: what it tells its owner, and what it keeps to itself once it is over.
import t from 'tap';
import { seededRandom } from '../../../src/core/index.ts';
import { Cluster as ClusterMessage } from '../../../src/gen/envoy/config/cluster/v3/cluster.ts';
import { headerBlock } from '../../../src/http2/index.ts';
import type { Http2Stream } from '../../../src/http2/types.ts';
import { createClusterCompiler, type Host } from '../../../src/proxy/cluster/index.ts';
import type { HostPool, StreamRequest } from '../../../src/proxy/cluster/types.ts';
import { Attempt, type AttemptOwner } from '../../../src/proxy/upstream/attempt.ts';
import { MetricRegistry } from '../../../src/telemetry/index.ts';
import { http2Cluster } from '../../support/data-plane.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { bytesOf } from '../../support/message.ts';
import { tlsSources } from '../../support/tls-sources.ts';

const headers = headerBlock([[':status', '200']]);
const stream: Http2Stream = {
  id: 1,
  isOpen: true,
  sendHeaders() {},
  sendData: () => true,
  sendTrailers() {},
  reset() {},
  credit() {},
};

/** A cluster of one host, whose requests wait until the test gives them a stream. */
function world() {
  const clock = new FakeClock();
  const waiting: StreamRequest[] = [];
  const pool: HostPool = { open: (request) => waiting.push(request), cancel() {}, drain() {}, close() {} };
  const deps = { tlsSources, clock, random: seededRandom(1), metrics: new MetricRegistry(), resolveName: () => Promise.resolve([]) };
  const fields = http2Cluster('c', [['127.0.0.1:1']]);
  const cluster = createClusterCompiler({ ...deps, createPool: () => pool }).compile('c', bytesOf(ClusterMessage, fields)).compiled;
  const told: string[] = [];
  const tell = (what: string) => (): void => void told.push(what);
  const owner: AttemptOwner = {
    onAttemptReady: tell('ready'),
    onAttemptHeaders: tell('headers'),
    onAttemptData: tell('data'),
    onAttemptTrailers: tell('trailers'),
    onAttemptDrain: tell('drain'),
    onAttemptTimeout: tell('timeout'),
    onAttemptIdle: tell('idle'),
    onAttemptFailed: (_, failure) => told.push(failure),
  };
  const host = cluster.pick() as Host;
  const start = (): Attempt => {
    const attempt = new Attempt(cluster, host, 'default', owner);
    attempt.start();
    return attempt;
  };
  return { clock, waiting, told, host, start };
}

t.test('a try that was given up hears nothing of a connection that fails then', async (t) => {
  const { waiting, told, host, start } = world();
  start();
  start().cancel();
  for (const request of waiting) request.onPoolFailure('remote connection failure', '');
  t.same(told, ['remote connection failure'], 'only who still waits is told');
  t.equal(host.rqError, 1);
});

t.test('its times begin with its stream, its owner is told of one, and none outlives it', async (t) => {
  const { clock, waiting, told, start } = world();
  const [early, late] = [start(), start()];
  early.arm(clock, 40, 30);
  t.equal(clock.pending, 0, 'it waits for a stream');
  for (const request of waiting) request.onReady(stream);
  early.arm(clock, 40, 30);
  late.arm(clock, 40, 50);
  early.arm(clock, 1, 1);
  await clock.advance(39);
  t.same(told, ['ready', 'ready', 'idle']);
  await clock.advance(11);
  t.same(told, ['ready', 'ready', 'idle', 'timeout']);
  t.equal(clock.pending, 0, 'the other time of each is over with it');
  const answered = start();
  waiting.at(-1)?.onReady(stream);
  answered.arm(clock, 40, 30);
  await clock.advance(29);
  answered.onHeaders(headers, false);
  await clock.advance(29);
  t.same(told.slice(4), ['ready', 'headers'], 'the host has answered, and is not silent');
  answered.onReset({ code: 8, origin: 'peer' });
  t.equal(clock.pending, 0);
  answered.arm(clock, 40, 30);
  t.equal(clock.pending, 0, 'it is over');
});
