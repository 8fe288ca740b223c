import t from 'tap';
import { createProbeServer } from '../../src/admin/index.ts';
import { systemClock } from '../../src/core/index.ts';

t.test('the probe server answers /ready and /healthz and nothing else', async (t) => {
  let ready = { ok: false, text: 'waiting for the ring live-store' };
  const server = createProbeServer({ listen: { host: '127.0.0.1', port: 0 }, clock: systemClock, ready: () => ready });
  t.throws(() => server.address);
  await server.start();
  await server.start();
  t.teardown(() => server.stop());
  const ask = async (path: string, method = 'GET'): Promise<[number, string]> => {
    const response = await fetch(`http://${server.address}${path}`, { method, headers: { connection: 'close' } });
    return [response.status, await response.text()];
  };
  t.same(await ask('/ready'), [503, 'waiting for the ring live-store\n']);
  t.same(await ask('/healthz'), [200, 'ok\n']);
  ready = { ok: true, text: 'ready' };
  t.same(await ask('/ready?x=1'), [200, 'ready\n']);
  t.same(await ask('/ready', 'HEAD'), [200, '']);
  t.same(await ask('/ready', 'POST'), [405, 'allowed: GET\n']);
  t.same(await ask('/'), [404, 'known: /ready /healthz\n']);
  t.same(await ask('/metrics'), [404, 'known: /ready /healthz\n']);
});

t.test('it may listen anywhere, and a port in use is one line that names it', async (t) => {
  const first = createProbeServer({ listen: { host: '0.0.0.0', port: 0 }, clock: systemClock, ready: () => ({ ok: true, text: 'ready' }) });
  await first.start();
  t.teardown(() => first.stop());
  const port = Number(first.address.split(':')[1]);
  const second = createProbeServer({ listen: { host: '0.0.0.0', port }, clock: systemClock, ready: () => ({ ok: true, text: 'ready' }) });
  await t.rejects(second.start(), { code: 'ADMIN_LISTEN', message: `probe: cannot listen on 0.0.0.0:${port}: the port is in use` });
});
