// How long a cancel takes through the sidecar, in both directions: nothing is held back.
import t from 'tap';
import { startEnvoy } from '../support/envoy.ts';
import { bootstrapOf } from './semantics/bootstrap.ts';
import { connectCaller } from './semantics/caller.ts';
import { Marks } from './semantics/marks.ts';
import { MAIN } from './semantics/play.ts';
import { GRPC_HEADERS, UpstreamPort, whole } from './semantics/upstream.ts';
import type { WireStream } from './semantics/wire.ts';

const ROUNDS = 25;
/** What a cancel may take. Other processes hold this one up now and then: that is why only the faster half has to keep to it. */
const LIMIT_MS = 10;

t.setTimeout(60_000);
const port = await UpstreamPort.listen();
const row = { name: 'cancel', situation: 'cancels' };
const proxy = await startEnvoy(bootstrapOf([row], new Map([[row.name, port.port]]), '/dev/null'), {
  logLevel: 'error',
  program: [process.execPath, MAIN, 'sidecar'],
});
t.teardown(async () => {
  await proxy.stop();
  await port.close();
});
await proxy.waitReady();
const marks = new Marks();
const upstream = port.begin([], marks);
const caller = await connectCaller(await proxy.listenerPort(row.name), { path: '/cancel', marks, drain: async () => {} });
t.teardown(() => caller.close());

/** Both sides of one call that is under way. */
async function begin(n: number): Promise<{ readonly call: WireStream; readonly request: WireStream }> {
  const call = caller.open({}, true);
  const request = await whole(upstream, 0, n * 2 + 1);
  return { call, request };
}

/** Milliseconds that the faster half of some cancels took at most. */
function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] as number;
}

let calls = 0;

t.test('from the caller to the upstream', async (t) => {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { call, request } = await begin(calls++);
    const startMs = performance.now();
    call.reset(8);
    t.equal(await request.ending(), 'reset 8');
    times.push(request.resetAtMs - startMs);
  }
  t.ok(median(times) <= LIMIT_MS, `within ${LIMIT_MS} ms: ${median(times).toFixed(1)} ms`);
});

t.test('from the upstream to the caller', async (t) => {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { call, request } = await begin(calls++);
    request.headers(GRPC_HEADERS);
    await call.until(({ fields }) => fields.length > 0);
    const startMs = performance.now();
    request.reset(8);
    t.equal(await call.ending(), 'reset 2');
    times.push(call.resetAtMs - startMs);
  }
  t.ok(median(times) <= LIMIT_MS, `within ${LIMIT_MS} ms: ${median(times).toFixed(1)} ms`);
});
