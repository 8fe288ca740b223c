// One try: what it tells its owner, and what it keeps to itself once it is over.
import t from 'tap';
import { seededRandom } from '../../../src/core/index.ts';
import { Cluster as ClusterMessage } from '../../../src/gen/envoy/config/cluster/v3/cluster.ts';
import { createClusterCompiler, type Host } from '../../../src/proxy/cluster/index.ts';
import type { HostPool, StreamRequest } from '../../../src/proxy/cluster/types.ts';
import { Attempt, type AttemptOwner } from '../../../src/proxy/upstream/attempt.ts';
import { MetricRegistry } from '../../../src/telemetry/index.ts';
import { http2Cluster } from '../../support/data-plane.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { bytesOf } from '../../support/message.ts';
import { tlsSources } from '../../support/tls-sources.ts';

t.test('a try that was given up hears nothing of a connection that fails then', async (t) => {
  const waiting: StreamRequest[] = [];
  const pool: HostPool = { open: (request) => waiting.push(request), cancel() {}, drain() {}, close() {} };
  const fields = http2Cluster('c', [['127.0.0.1:1']]);
  const deps = {
    tlsSources,
    clock: new FakeClock(),
    random: seededRandom(1),
    metrics: new MetricRegistry(),
    resolveName: () => Promise.resolve([]),
  };
  const cluster = createClusterCompiler({ ...deps, createPool: () => pool }).compile('c', bytesOf(ClusterMessage, fields)).compiled;
  const told: string[] = [];
  const never = (): void => {
    throw new Error('it has no stream');
  };
  const owner: AttemptOwner = {
    onAttemptReady: never,
    onAttemptHeaders: never,
    onAttemptData: never,
    onAttemptTrailers: never,
    onAttemptDrain: never,
    onAttemptFailed: (_, failure) => told.push(failure),
  };
  const host = cluster.pick() as Host;
  const start = (): Attempt => {
    const attempt = new Attempt(cluster, host, 'default', owner);
    attempt.start();
    return attempt;
  };
  start();
  start().cancel();
  for (const request of waiting) request.onPoolFailure('remote connection failure', '');
  t.same(told, ['remote connection failure'], 'only who still waits is told');
  t.equal(host.rqError, 1);
});
