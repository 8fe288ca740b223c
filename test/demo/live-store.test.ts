import t, { type Test } from 'tap';
import { systemClock } from '../../src/core/index.ts';
import { GrpcClient, type UnaryReply } from '../../src/demo/grpc/index.ts';
import { SampleDistributor, SampleLiveStore } from '../../src/demo/index.ts';
import type { LiveStoreOptions } from '../../src/demo/live-store/live-store.ts';
import { askRange, askSearch, askTrace, type Question, question } from '../../src/demo/querier/questions.ts';
import { readReplicationSets } from '../../src/demo/querier/ring-reader.ts';
import { holds, listedTraces, partitionOf, traceIdsOf } from '../../src/demo/sample-data.ts';
import { HEALTH_CHECK_METHOD, parseHealthResponse } from '../../src/grpc/index.ts';

const anyPort = { host: '127.0.0.1', port: 0 };

async function startRing(t: Test, expect = 1): Promise<string> {
  const distributor = new SampleDistributor({ listen: anyPort, expect }, systemClock);
  await distributor.start();
  t.teardown(() => distributor.stop());
  return `http://127.0.0.1:${distributor.address.port}`;
}

async function startStore(
  t: Test,
  options: Partial<LiveStoreOptions> = {},
): Promise<{ store: SampleLiveStore; client: GrpcClient; http: string }> {
  const store = new SampleLiveStore(
    {
      id: 'live-store-zone-a-0',
      zone: 'zone-a',
      holding: { partition: 0, partitions: 2, share: 0, shares: 1 },
      listen: anyPort,
      http: anyPort,
      advertise: '',
      ringUrl: 'http://127.0.0.1:1',
      isMultitenant: false,
      ...options,
    },
    systemClock,
  );
  await store.start();
  const client = new GrpcClient(store.addresses.grpc);
  t.teardown(async () => {
    client.close();
    await store.stop();
  });
  return { store, client, http: `http://127.0.0.1:${store.addresses.http.port}` };
}

function ask(
  client: GrpcClient,
  { path, message }: Pick<Question, 'path' | 'message'>,
  metadata: Record<string, string> = { 'x-scope-orgid': 't' },
): Promise<UnaryReply> {
  return client.unary({ path, message, metadata, authority: 'a:1', timeoutMs: 5_000 });
}

t.test('every method answers exactly what the data says', async (t) => {
  const { client, http } = await startStore(t);
  const topic = { partition: 0, partitions: 2 };
  for (let n = 0; n < 7; n += 1) {
    const asked = question(topic, n);
    const reply = await ask(client, asked);
    t.equal(reply.status, 0, asked.path);
    t.equal(asked.check([reply.message]), '', asked.path);
  }
  const wrong = askTrace({ partition: 1, partitions: 2 }, 0);
  const empty = await ask(client, wrong);
  t.equal(empty.status, 0, 'a trace that is elsewhere is an empty answer');
  t.match(wrong.check([empty.message]), /^spans: got 0, wanted [1-5] /);
  t.match(await (await fetch(`${http}/sample/calls`)).json(), { '/tempopb.Querier/FindTraceByID': 3, '/tempopb.Metrics/QueryRange': 1 });
});

t.test('two shares add up to the partition, twice the whole does not', async (t) => {
  const [one, two, all] = await Promise.all(
    [
      { share: 0, shares: 2 },
      { share: 1, shares: 2 },
      { share: 0, shares: 1 },
    ].map((share) => startStore(t, { holding: { partition: 1, partitions: 2, ...share } })),
  );
  const topic = { partition: 1, partitions: 2 };
  for (const asked of [askRange(topic), askSearch(topic), askTrace(topic, 5)]) {
    const replies = await Promise.all([one, two, all].map((store) => ask((store as NonNullable<typeof store>).client, asked)));
    const [first, second, whole] = replies.map((reply) => reply.message) as [Buffer, Buffer, Buffer];
    t.equal(asked.check([first, second]), '', asked.path);
    t.equal(asked.check([whole]), '', asked.path);
    t.not(asked.check([whole, whole]), '', 'counted twice is wrong');
  }
});

t.test('errors are those of Tempo, by request and by switch', async (t) => {
  const { client, http } = await startStore(t);
  const asked = askTrace({ partition: 0, partitions: 2 }, 1);
  const lag = await ask(client, asked, { 'x-sample-fail': 'lag' });
  t.same([lag.status, lag.statusText], [2, 'cannot guarantee complete results']);
  const started = performance.now();
  t.equal((await ask(client, asked, { 'x-sample-delay-ms': '120' })).status, 0);
  t.ok(performance.now() - started >= 119, 'waited');
  await fetch(`${http}/sample/phase?to=lagging`, { method: 'POST' });
  t.equal((await ask(client, asked)).status, 2);
  t.equal((await fetch(`${http}/ready`)).status, 503);
  const health = await ask(client, { path: HEALTH_CHECK_METHOD, message: new Uint8Array(0) });
  t.equal(parseHealthResponse(health.message), 'SERVING', 'lag does not show in health');
  await fetch(`${http}/sample/phase?to=running`, { method: 'POST' });
  t.equal((await ask(client, asked)).status, 0);
  t.equal((await fetch(`${http}/sample/phase?to=stopping`, { method: 'POST' })).status, 400);
});

t.test('multitenant: exactly one tenant, health checks included', async (t) => {
  const { client } = await startStore(t, { isMultitenant: true });
  const asked = askTrace({ partition: 0, partitions: 2 }, 1);
  t.equal((await ask(client, asked)).status, 0);
  for (const path of [asked.path, HEALTH_CHECK_METHOD]) {
    const none = await ask(client, { path, message: asked.message }, {});
    t.same([none.status, none.statusText], [2, 'no org id'], path);
  }
  t.equal(
    parseHealthResponse((await ask(client, { path: HEALTH_CHECK_METHOD, message: new Uint8Array(0) }, { 'x-scope-orgid': '0' })).message),
    'SERVING',
  );
});

t.test('it stands in the ring while it lives and is gone when it stops', async (t) => {
  const ringUrl = await startRing(t);
  const { store } = await startStore(t, { ringUrl, advertise: '127.0.0.1:9111' });
  const sets = await until(() => readReplicationSets(ringUrl));
  t.same([...sets], [[0, new Map([['zone-a', [{ id: 'live-store-zone-a-0', address: '127.0.0.1:9111', zone: 'zone-a' }]]])]]);
  await store.stop();
  t.same([...(await readReplicationSets(ringUrl))], [[0, new Map()]]);
});

t.test('data: ids are spread over partitions and shares', (t) => {
  const ids = traceIdsOf(1, 2, 500);
  t.ok(ids.every((id) => partitionOf(id, 2) === 1));
  const one = ids.filter((id) => holds({ partition: 1, partitions: 2, share: 0, shares: 2 }, id)).length;
  t.ok(one > 150 && one < 350, `${one} of 500 in share 0`);
  t.equal(listedTraces({ partition: 0, partitions: 2, share: 0, shares: 1 }).length, 60);
  t.equal(holds({ partition: 0, partitions: 1, share: 0, shares: 1 }, Buffer.alloc(3)), false, 'not a trace id');
  t.end();
});

/** The live-store announces itself in its own time. */
async function until<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
