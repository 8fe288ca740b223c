// The data plane as a sidecar composes it.
import t from 'tap';
import { seededRandom, systemClock } from '../../../src/core/index.ts';
import { Cluster } from '../../../src/gen/envoy/config/cluster/v3/cluster.ts';
import { createDataPlane } from '../../../src/roles/sidecar/data-plane.ts';
import { MetricRegistry, silentLogger } from '../../../src/telemetry/index.ts';
import { TYPE_URLS } from '../../../src/xds/types.ts';
import { http2Cluster } from '../../support/data-plane.ts';
import { bytesOf } from '../../support/message.ts';

t.test('the event loop has its turns while a large update is compiled', async (t) => {
  const nothing = { maxConnections: null, maxBuffered: null, maxPrematureResets: null };
  const limits = { ...nothing, listenerConnections: {}, timeoutIsDeadlineExceeded: false };
  const plan = { clusters: [], listeners: [], limits, cds: { initialFetchTimeoutMs: 0 }, lds: null };
  const { runtime } = createDataPlane(plan, {
    clock: systemClock,
    random: seededRandom(1),
    logger: silentLogger,
    registry: new MetricRegistry(),
    environment: {},
    drainTimeMs: 0,
    place: { kind: 'alone' },
  });
  await runtime.start();
  const upserts = Array.from({ length: 1000 }, (_, i) => {
    const name = `c${i}`;
    return { typeUrl: TYPE_URLS.cluster, name, version: '1', value: bytesOf(Cluster, http2Cluster(name, [['127.0.0.1:1']])) };
  });
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const startMs = performance.now();
  t.same(await runtime.apply({ typeUrl: TYPE_URLS.cluster, version: '1', upserts, removed: [] }), []);
  const tookMs = performance.now() - startMs;
  isOver = true;
  t.equal(runtime.config.value.clusters.size, 1000);
  // each turn takes a slice of 4 ms, and the last step is one of its own
  t.ok(turns >= Math.min(5, tookMs / 20), `${turns} turns in ${tookMs.toFixed(0)} ms`);
  runtime.stop();
});
