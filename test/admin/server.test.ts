import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import t, { type Test } from 'tap';
import { AdminError, type AdminRoute, type AdminServerOptions, createAdminServer } from '../../src/admin/index.ts';
import { systemClock } from '../../src/core/index.ts';
import { MetricRegistry, prometheusText } from '../../src/telemetry/index.ts';
import { LogRecorder } from '../support/recording-logger.ts';

const routes: readonly AdminRoute[] = [
  { method: 'GET', path: '/metrics', title: 'counters', handle: () => ({ contentType: 'text/plain', body: 'x 1\n' }) },
  { method: 'GET', path: '/api/rings', title: 'rings <all>', handle: ({ query }) => ({ json: { rings: [], full: query.get('full') } }) },
  { method: 'GET', path: '/api/rings/{ring}', title: 'one ring', handle: ({ params }) => ({ json: params }) },
  { method: 'GET', path: '/api/rings/all', title: 'no ring', handle: () => ({ json: 'all' }) },
  { method: 'POST', path: '/echo', title: 'the body', handle: ({ body }) => ({ status: 201, json: { body } }) },
  { method: 'GET', path: '/echo', title: 'nothing', handle: async () => ({ json: null }) },
  {
    method: 'GET',
    path: '/absent',
    title: 'an error',
    handle: () => {
      throw new AdminError(404, 'NO_SUCH_RING', 'no such ring: x, known: live-store');
    },
  },
  { method: 'GET', path: '/bug', title: 'a bug', handle: () => Promise.reject(new TypeError('secret detail')) },
];

/** A request as bytes say it: fetch would not let Host be set. */
async function raw(address: string, text: string): Promise<string> {
  const [host = '', port] = address.split(':');
  const socket = connect(Number(port), host);
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

async function start(
  t: Test,
  options: Partial<AdminServerOptions> = {},
): Promise<{ url: string; address: string; log: LogRecorder; metrics: MetricRegistry }> {
  const log = new LogRecorder();
  const metrics = new MetricRegistry();
  const listen = { host: '127.0.0.1', port: 0 };
  const server = createAdminServer({ listen, routes, clock: systemClock, logger: log.logger, metrics, ...options });
  await server.start();
  t.teardown(() => server.stop());
  return { url: `http://${server.address}`, address: server.address, log, metrics };
}

const get = (url: string, init: RequestInit = {}): Promise<Response> =>
  fetch(url, { ...init, headers: { connection: 'close', ...init.headers } });

t.test('pages and JSON come as handed in, never cached, never sniffed', async (t) => {
  const { url } = await start(t);
  const page = await get(`${url}/metrics`);
  t.equal(page.status, 200);
  t.equal(page.headers.get('content-type'), 'text/plain');
  t.equal(page.headers.get('cache-control'), 'no-store');
  t.equal(page.headers.get('x-content-type-options'), 'nosniff');
  t.equal(page.headers.get('access-control-allow-origin'), null);
  t.equal(await page.text(), 'x 1\n');
  const json = await get(`${url}/api/rings?full=1`);
  t.equal(json.headers.get('content-type'), 'application/json; charset=utf-8');
  t.same(await json.json(), { rings: [], full: '1' });
});

t.test('parameters are decoded, fixed segments win, an empty one matches nothing', async (t) => {
  const { url } = await start(t);
  t.same(await (await get(`${url}/api/rings/live%2Fstore%20a`)).json(), { ring: 'live/store a' });
  t.equal(await (await get(`${url}/api/rings/all`)).json(), 'all');
  t.equal((await get(`${url}/api/rings/`)).status, 404);
  t.match(await (await get(`${url}/api/rings/%zz`)).json(), { error: { code: 'BAD_PATH' } });
});

t.test('/ lists the pages, as text that is safe in HTML', async (t) => {
  const { url } = await start(t);
  const page = await get(`${url}/`);
  t.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  const html = await page.text();
  t.match(html, '<tr><td>GET<td><a href="/api/rings">/api/rings</a><td>rings &lt;all&gt;');
  t.match(html, '<tr><td>GET<td>/api/rings/{ring}<td>one ring');
  t.match(html, '<tr><td>POST<td>/echo<td>the body');
});

t.test('an unknown path names the known ones, a wrong method the right one', async (t) => {
  const { url } = await start(t);
  const missing = await get(`${url}/nope`);
  t.equal(missing.status, 404);
  t.same(await missing.json(), {
    error: {
      code: 'NOT_FOUND',
      message: 'no such path: /nope, known: / /metrics /api/rings /api/rings/{ring} /api/rings/all /echo /echo /absent /bug',
    },
  });
  const wrong = await get(`${url}/metrics`, { method: 'DELETE' });
  t.equal(wrong.status, 405);
  t.equal(wrong.headers.get('allow'), 'GET');
  t.same(await wrong.json(), { error: { code: 'METHOD_NOT_ALLOWED', message: 'DELETE is not allowed on /metrics, allowed: GET' } });
  t.equal((await get(`${url}/echo`, { method: 'PUT' })).headers.get('allow'), 'GET, POST');
});

t.test('HEAD is GET without a body', async (t) => {
  const { url } = await start(t);
  const head = await get(`${url}/metrics`, { method: 'HEAD' });
  t.equal(head.status, 200);
  t.equal(head.headers.get('content-length'), '4');
  t.equal(await head.text(), '');
});

t.test('errors are JSON; a bug is logged and its detail stays inside', async (t) => {
  const { url, log } = await start(t);
  t.same(await (await get(`${url}/absent`)).json(), { error: { code: 'NO_SUCH_RING', message: 'no such ring: x, known: live-store' } });
  const bug = await get(`${url}/bug`);
  t.equal(bug.status, 500);
  t.same(await bug.json(), { error: { code: 'INTERNAL', message: 'internal error, see the log' } });
  t.match(await log.first('admin.failed'), { level: 'error', message: 'secret detail', fields: { path: '/bug' } });
});

t.test('a body is handed on up to its limit', async (t) => {
  const { url } = await start(t, { maxBodyBytes: 10 });
  const good = await get(`${url}/echo`, { method: 'POST', body: '0123456789' });
  t.equal(good.status, 201);
  t.same(await good.json(), { body: '0123456789' });
  const long = await get(`${url}/echo`, { method: 'POST', body: '0123456789a' });
  t.equal(long.status, 413);
  t.match(await long.json(), { error: { code: 'BODY_TOO_LONG' } });
});

t.test('on loopback a Host of another name is a stranger', async (t) => {
  const { address } = await start(t);
  const ask = (host: string): Promise<string> => raw(address, `GET /metrics HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  for (const host of ['localhost', 'localhost:9902', '127.0.0.1:1', '[::1]:9902', '[::1]'])
    t.match(await ask(host), /^HTTP\/1\.1 200 /, host);
  for (const host of ['evil.example', 'evil.example:9902', '127.0.0.1.evil.example', '10.0.0.1', 'localhost:x', 'a@localhost']) {
    t.match(await ask(host), /^HTTP\/1\.1 403 [\s\S]*"code":"BAD_HOST"/, host);
  }
  t.match(await raw(address, 'GET /metrics HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 403 /);
});

t.test('a POST from the page of another site is refused', async (t) => {
  const { url, address } = await start(t);
  const post = (origin: string): Promise<Response> => get(`${url}/echo`, { method: 'POST', body: '', headers: { origin } });
  t.equal((await post('http://evil.example')).status, 403);
  t.equal((await post('null')).status, 403);
  t.equal((await post(`http://${address}`)).status, 201);
});

t.test('what is not HTTP, or not a path, or too long, is refused', async (t) => {
  const { address } = await start(t);
  t.match(await raw(address, 'hello\r\n\r\n'), /^HTTP\/1\.1 400 /);
  t.match(await raw(address, 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 400 [\s\S]*BAD_PATH/);
  t.match(await raw(address, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
});

t.test('an open address needs insecure, which is warned of and shown; any Host may then ask', async (t) => {
  const open = { listen: { host: '0.0.0.0', port: 0 } };
  await t.rejects(start(t, open), {
    code: 'ADMIN_EXPOSED',
    message: 'admin: 0.0.0.0:0 is open to other machines and has no TLS, allowed: a loopback address, or insecure: true',
  });
  const { address, log, metrics } = await start(t, { ...open, insecure: true });
  t.match(log.of('admin.insecure'), [{ level: 'warn' }]);
  t.match(prometheusText(metrics), 'ringway_insecure_listener{listener="admin"} 1\n');
  const port = address.split(':')[1];
  t.match(await raw(`127.0.0.1:${port}`, 'GET /metrics HTTP/1.1\r\nHost: control\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 200 /);
});

t.test('a port in use is one line that names it; stop frees the port and may be called twice', async (t) => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const { port } = other.address() as { port: number };
  await t.rejects(start(t, { listen: { host: '127.0.0.1', port } }), {
    name: 'RingwayError',
    code: 'ADMIN_LISTEN',
    message: `admin: cannot listen on 127.0.0.1:${port}: the port is in use`,
  });
  const log = new LogRecorder();
  const listen = { host: '127.0.0.1', port: 0 };
  const server = createAdminServer({ listen, routes, clock: systemClock, logger: log.logger, metrics: new MetricRegistry() });
  await server.stop();
  await server.start();
  const { address } = server;
  const idle = connect(Number(address.split(':')[1]), '127.0.0.1');
  idle.on('error', () => {});
  await once(idle, 'connect');
  await server.stop();
  await server.stop();
  t.throws(() => server.address);
});

t.test('two routes that no request could tell apart are a mistake of the role', (t) => {
  const twice: AdminRoute[] = ['/a/{x}', '/a/{y}'].map((path) => ({ method: 'GET', path, title: '', handle: () => ({ json: 1 }) }));
  t.throws(
    () =>
      createAdminServer({
        listen: { host: '127.0.0.1', port: 0 },
        routes: twice,
        clock: systemClock,
        logger: new LogRecorder().logger,
        metrics: new MetricRegistry(),
      }),
    /two admin routes for GET \/a\/\{\}/,
  );
  t.end();
});
