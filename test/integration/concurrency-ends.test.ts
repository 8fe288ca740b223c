// `ringway sidecar --concurrency N`: how processes end, one by one and all together.
import { once } from 'node:events';
import { connect } from 'node:http2';
import t from 'tap';
import { startBackend } from '../support/grpc-backend.ts';
import { createClient, grpcStatus, until } from '../support/h2-peers.ts';
import { askAll, bootstrap, callers, figure, refusals, startSidecarProcess, startSlowBackend } from '../support/sidecar-process.ts';

const skip = process.platform === 'linux' ? false : 'ports are shared this way on Linux';

t.test('a worker that is killed takes its own calls with it and nothing else, and comes back with everything', { skip }, async (t) => {
  const slow = await startSlowBackend();
  const sidecar = await startSidecarProcess(t, ['--config-yaml', bootstrap(slow.address), '--concurrency', '3', '-l', 'off'], 2);
  const clients = Array.from({ length: 40 }, () => createClient(sidecar.listener('in')));
  const calls = clients.map((client) => client.call());
  await until(() => slow.waiting.length === 40);
  const before = await sidecar.stats('downstream_cx');
  const [victim = 0] = sidecar.workers();
  const shares = [1, 2].map((worker) => figure(before, `worker_${worker}.downstream_cx_active`));
  process.kill(victim, 'SIGKILL');
  await sidecar.until(
    () => sidecar.stats('workers_'),
    (stats) => stats.get('ringway.workers_restarted') === 1 && stats.get('ringway.workers_serving') === 2,
  );
  slow.answerAll();
  const outcomes = (await Promise.all(calls)).map(grpcStatus);
  const failed = outcomes.filter((status) => status !== 0).length;
  t.ok(shares.includes(failed), `${failed} calls failed, of ${shares} that the workers had`);
  await Promise.all(clients.map((client) => client.close()));
  const after = await sidecar.until(
    () => sidecar.stats('downstream_cx'),
    (stats) => figure(stats, 'http.in.downstream_cx_active') === 0,
  );
  t.equal(figure(after, 'http.in.downstream_cx_total'), 40, 'what it had told stays counted');

  // later connections are spread over all three again
  const later = Array.from({ length: 40 }, () => createClient(sidecar.listener('in')));
  const again = later.map((client) => client.call());
  await until(() => slow.waiting.length === 40);
  const active = await sidecar.stats('worker_.*downstream_cx_active');
  t.ok(
    [0, 1, 2].every((worker) => figure(active, `worker_${worker}.downstream_cx_active`) > 0),
    JSON.stringify([...active]),
  );
  slow.answerAll();
  t.strictSame(new Set((await Promise.all(again)).map(grpcStatus)), new Set([0]));
  await Promise.all(later.map((client) => client.close()));
  sidecar.child.kill('SIGTERM');
  t.equal(await sidecar.exit, 0);
  await slow.kill();
});

t.test('SIGTERM: every process says GOAWAY, calls that run end well, exit 0', { skip }, async (t) => {
  const slow = await startSlowBackend();
  const sidecar = await startSidecarProcess(t, ['--config-yaml', bootstrap(slow.address), '--concurrency', '3', '-l', 'off'], 2);
  const sessions = Array.from({ length: 30 }, () => connect(`http://${sidecar.listener('in')}`).on('error', () => {}));
  const goaways = sessions.map((session) => once(session, 'goaway'));
  const clients = Array.from({ length: 30 }, () => createClient(sidecar.listener('in')));
  const calls = clients.map((client) => client.call());
  await until(() => slow.waiting.length === 30);
  const workers = sidecar.workers();
  for (const worker of workers) process.kill(worker, 'SIGTERM');
  sidecar.child.kill('SIGTERM');
  await Promise.all(goaways);
  t.equal(sidecar.child.exitCode, null, 'it waits for the calls');
  slow.answerAll();
  t.strictSame(new Set((await Promise.all(calls)).map(grpcStatus)), new Set([0]));
  await Promise.all(clients.map((client) => client.close()));
  for (const session of sessions) session.close();
  t.equal(await sidecar.exit, 0);
  for (const worker of workers) t.throws(() => process.kill(worker, 0), { code: 'ESRCH' }, 'no process is left');
  await slow.kill();
});

t.test('a deadline that passes cuts what is left, and the exit is still 0', { skip }, async (t) => {
  const slow = await startSlowBackend();
  const args = ['--config-yaml', bootstrap(slow.address), '--concurrency', '2', '--drain-time-s', '1', '-l', 'off'];
  const sidecar = await startSidecarProcess(t, args, 1);
  const clients = Array.from({ length: 10 }, () => createClient(sidecar.listener('in')));
  const calls = clients.map((client) => client.call());
  await until(() => slow.waiting.length === 10);
  sidecar.child.kill('SIGTERM');
  t.strictSame(new Set((await Promise.all(calls)).map((outcome) => grpcStatus(outcome) === 0)), new Set([false]));
  t.equal(await sidecar.exit, 0);
  await slow.kill();
});

t.test('what operators post reaches every process', { skip }, async (t) => {
  const backend = await startBackend('one');
  const sidecar = await startSidecarProcess(t, ['--config-yaml', bootstrap(backend.address), '--concurrency', '3', '-l', 'off'], 2);
  const dial = (): ReturnType<typeof connect> => connect(`http://${sidecar.listener('in')}`).on('error', () => {});
  const sessions = Array.from({ length: 30 }, dial);
  await Promise.all(sessions.map((session) => once(session, 'remoteSettings')));
  const goaways = sessions.map((session) => once(session, 'goaway'));
  await sidecar.admin('/healthcheck/fail', 'POST');
  await Promise.all(goaways);
  t.equal(await sidecar.admin('/ready'), 'DRAINING\n');
  for (const session of sessions) session.destroy();
  t.strictSame(await askAll(callers(sidecar, 10)), new Set(['one']), 'new connections are taken');
  await sidecar.admin('/healthcheck/ok', 'POST');

  t.match(await sidecar.admin('/logging?level=warning', 'POST'), /ringway: warning/);
  const address = sidecar.listener('in');
  await sidecar.admin('/drain_listeners', 'POST');
  await sidecar.until(
    () => refusals(address, 10),
    (refused) => refused === 10,
  );
  // a worker that comes later opens no port that was closed for all
  const [victim = 0] = sidecar.workers();
  process.kill(victim, 'SIGKILL');
  await sidecar.says('"event":"worker.ended"');
  t.match(sidecar.written.stderr, /"how":"SIGKILL"/);
  await sidecar.until(
    () => sidecar.stats('workers_'),
    (stats) => stats.get('ringway.workers_restarted') === 1 && stats.get('ringway.workers_serving') === 2,
  );
  t.equal(await refusals(address, 10), 10);
  await sidecar.admin('/quitquitquit', 'POST');
  t.equal(await sidecar.exit, 0);
  await backend.kill();
});

t.test('without the first process workers end, and the port is free', { skip }, async (t) => {
  const slow = await startSlowBackend();
  const sidecar = await startSidecarProcess(t, ['--config-yaml', bootstrap(slow.address), '--concurrency', '3', '-l', 'off'], 2);
  const workers = sidecar.workers();
  const address = sidecar.listener('in');
  sidecar.child.kill('SIGKILL');
  await sidecar.exit;
  await sidecar.until(
    () => refusals(address, 5),
    (refused) => refused === 5,
  );
  await until(() => workers.every((worker) => !isRunning(worker)));
  t.equal(workers.length, 2);
  await slow.kill();
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
