// How a sidecar goes: readiness first, then connections, and what runs may end.
import { once } from 'node:events';
import { type ClientHttp2Session, connect, createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { clusterYaml, listenerYaml, startSidecar, type TestSidecar } from '../support/sidecar.ts';

/** A backend whose answers wait until they are let go. */
async function startSlowBackend() {
  const server = createServer();
  const open: ServerHttp2Stream[] = [];
  const arrivals: (() => void)[] = [];
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.resume();
    open.push(stream);
    arrivals.shift()?.();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Resolves when one more call is here. */
    arrival: () => new Promise<void>((resolve) => arrivals.push(resolve)),
    answerAll() {
      for (const stream of open.splice(0)) {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end();
      }
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

const ADMIN = 'admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }';

async function start(options: { drainTimeMs?: number } = {}) {
  const backend = await startSlowBackend();
  const listeners = `[${listenerYaml('in', 0, { cluster: 'local' }).replace('{ name: in,', '{ name: in, traffic_direction: INBOUND,')}]`;
  const sidecar = await startSidecar(
    `${ADMIN}\nstatic_resources: { listeners: ${listeners}, clusters: [${clusterYaml('local', backend.address)}] }`,
    options,
  );
  return { backend, sidecar };
}

/** A call that runs: resolves with the grpc-status it ends with, '' when it was cut. */
function call(session: ClientHttp2Session): Promise<string> {
  const stream = session.request({ ':method': 'POST', ':path': '/x.Y/Z', 'content-type': 'application/grpc', te: 'trailers' });
  stream.end(Buffer.from([0, 0, 0, 0, 0]));
  let status = '';
  stream.on('trailers', (trailers) => {
    status = String(trailers['grpc-status']);
  });
  stream.on('error', () => {});
  stream.resume();
  return new Promise((resolve) => stream.once('close', () => resolve(status)));
}

function dial(sidecar: TestSidecar): ClientHttp2Session {
  const session = connect(`http://${sidecar.listener('in')}`);
  session.on('error', () => {});
  return session;
}

t.test('at the end: not ready, connections are told to go, running calls end, then it is over', async (t) => {
  const { backend, sidecar } = await start();
  const session = dial(sidecar);
  const goaway = once(session, 'goaway');
  const arrived = backend.arrival();
  const running = call(session);
  await arrived;
  const target = sidecar.listener('in');
  const stopped = sidecar.role.stop();
  t.equal(sidecar.role.state, 'DRAINING');
  await goaway;
  t.equal(await sidecar.admin('/ready'), 'DRAINING\n', 'pages answer while it drains');
  const late = connect(`http://${target}`);
  const [refusal] = await once(late, 'error');
  t.equal(refusal.code, 'ECONNREFUSED', 'no new connections');
  backend.answerAll();
  t.equal(await running, '0', 'the running call ended well');
  await stopped;
  await backend.close();
});

t.test('what does not end in drain time is cut', async (t) => {
  const { backend, sidecar } = await start({ drainTimeMs: 150 });
  const session = dial(sidecar);
  const arrived = backend.arrival();
  const running = call(session);
  await arrived;
  await sidecar.role.stop();
  t.not(await running, '0');
  await backend.close();
});

t.test('healthcheck/fail: DRAINING and connections go, yet new ones are served; healthcheck/ok takes it back', async (t) => {
  const { backend, sidecar } = await start();
  const session = dial(sidecar);
  await once(session, 'remoteSettings');
  const goaway = once(session, 'goaway');
  t.equal(await sidecar.admin('/healthcheck/fail', 'POST'), 'OK\n');
  t.equal(await sidecar.admin('/ready'), 'DRAINING\n');
  await goaway;
  const next = dial(sidecar);
  const arrived = backend.arrival();
  const running = call(next);
  await arrived;
  backend.answerAll();
  t.equal(await running, '0');
  await sidecar.admin('/healthcheck/ok', 'POST');
  t.equal(await sidecar.admin('/ready'), 'LIVE\n');
  next.close();
  await sidecar.role.stop();
  await backend.close();
});

t.test('drain_listeners closes ports; graceful ones tell connections, and /ready stays LIVE', async (t) => {
  const { backend, sidecar } = await start();
  const session = dial(sidecar);
  await once(session, 'remoteSettings');
  const target = sidecar.listener('in');
  const goaway = once(session, 'goaway');
  t.equal(await sidecar.admin('/drain_listeners?graceful&inboundonly', 'POST'), 'OK\n');
  await goaway;
  t.equal(await sidecar.admin('/ready'), 'LIVE\n');
  t.equal(await sidecar.admin('/listeners'), '');
  const late = connect(`http://${target}`);
  t.equal((await once(late, 'error'))[0].code, 'ECONNREFUSED');
  await sidecar.role.stop();
  await backend.close();
});

t.test('quitquitquit asks whoever runs it to stop', async (t) => {
  const { backend, sidecar } = await start();
  t.notOk(sidecar.role.quit.aborted);
  t.equal(await sidecar.admin('/quitquitquit', 'POST'), 'OK\n');
  t.ok(sidecar.role.quit.aborted);
  await sidecar.role.stop();
  await sidecar.role.stop();
  await backend.close();
});
