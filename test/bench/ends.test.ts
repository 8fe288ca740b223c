import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import t from 'tap';
import { Ends } from '../../bench/engine/ends.ts';
import { LOADS, type Load } from '../../bench/engine/loads.ts';
import { cpuNs } from '../../bench/engine/process.ts';
import { goProgram } from '../support/go.ts';

const LOAD = LOADS.find(({ name }) => name === 'v1') as Load;
const CORE = availableParallelism() - 1;

t.test('a load says what it has measured, and that nothing was wrong', async (t) => {
  const ends = await startEnds(t);
  if (ends === undefined) return;
  const cases: readonly Load[] = [
    LOAD,
    { ...LOAD, responseBytes: 1_048_576, streams: 2 },
    { ...LOAD, requestBytes: 4096 },
    { ...LOAD, rate: 2000 },
    { ...LOAD, ends: 'grpc-go' },
    { ...LOAD, ends: 'grpc-go', echo: true, requestBytes: 66_560, responseBytes: 66_560 },
    { ...LOAD, door: 'mtls' },
  ];
  for (const load of cases) {
    const port = { frames: load.door === 'mtls' ? ends.site.backendTlsPort : ends.site.backendPort, 'grpc-go': ends.site.grpcBackendPort };
    const generator = await ends.connect(load, port[load.ends], { requests: 100 });
    const { completed, errors, latencyUs } = await generator.run();
    await generator.stop();
    t.same({ completed, errors }, { completed: 100, errors: {} }, `${load.ends} ${load.requestBytes} → ${load.responseBytes}`);
    t.ok(latencyUs.p50 > 0 && latencyUs.p50 <= latencyUs.p99 && latencyUs.p99 <= latencyUs.max, 'percentiles in order');
  }
});

t.test('an answer of another size, and a request of another size, are errors', async (t) => {
  const ends = await startEnds(t);
  if (ends === undefined) return;
  // The backend has the sizes of whoever connected last.
  const expectsLess = await ends.connect(LOAD, ends.site.backendPort, { requests: 50 });
  const answersMore = await ends.connect({ ...LOAD, responseBytes: 201 }, ends.site.backendPort, { requests: 50 });
  await t.rejects(expectsLess.run(), { message: '50 × other bytes than agreed' });
  const sendsLess = answersMore;
  const asksMore = await ends.connect({ ...LOAD, requestBytes: 101, responseBytes: 201 }, ends.site.backendPort, { requests: 50 });
  await t.rejects(sendsLess.run(), { message: '50 × grpc-status 15' });
  t.equal((await asksMore.run()).completed, 50);
  await Promise.all([expectsLess, sendsLess, asksMore].map((generator) => generator.stop()));
});

t.test('a load that cannot connect says why', async (t) => {
  const ends = await startEnds(t);
  if (ends === undefined) return;
  await t.rejects(ends.connect({ ...LOAD, door: 'tls' }, ends.site.backendPort, { requests: 1 }), /connection 1: /);
});

t.test('CPU time of a process with its threads grows as it works', { skip: process.platform !== 'linux' && 'needs /proc' }, (t) => {
  const before = cpuNs(process.pid);
  for (const from = performance.now(); performance.now() - from < 20; ) Math.random();
  t.ok(cpuNs(process.pid) > before);
  t.end();
});

/** Both ends on one core; undefined, and the test is skipped, where there is no Go or no taskset. */
async function startEnds(t: Parameters<typeof goProgram>[0]): Promise<Ends | undefined> {
  try {
    execFileSync('taskset', ['-c', String(CORE), 'true'], { stdio: 'ignore' });
  } catch {
    t.plan(0, 'no taskset: install util-linux');
    return undefined;
  }
  const program = await goProgram(t, 'engine');
  if (program === undefined) return undefined;
  const ends = await Ends.start(program, CORE, t.testdir());
  t.teardown(() => ends.stop());
  return ends;
}
