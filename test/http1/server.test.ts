// Accepted connections: one request after the other, back-pressure, endings.
import t from 'tap';
import { headerBlock } from '../../src/http2/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { rawClient } from '../support/http1-raw.ts';
import { type Served, startHttp1Server } from '../support/http1-server.ts';

const GET = 'GET /1 HTTP/1.1\r\nhost: a\r\n\r\n';
const path = (one: Served | undefined): string | undefined => one?.headers.find(({ name }) => name === ':path')?.value;

t.test('pipelined requests are served one after the other, and few are read ahead', async (t) => {
  const bench = await startHttp1Server(t);
  const client = rawClient(bench.target);
  const count = 2000;
  client.send(Array.from({ length: count }, (_, i) => `GET /${i} HTTP/1.1\r\nhost: a\r\n\r\n`).join(''));
  await bench.until(() => bench.served.length === 1);
  t.equal(bench.connections[0]?.phase, 'exchange');
  for (let i = 0; i < count; i += 1) {
    await bench.until(() => bench.served.length === i + 1);
    t.equal(bench.served.length, i + 1) || t.bailout();
    bench.served[i]?.answer(String(i));
  }
  const responses = await client.responses(count);
  t.same([responses.length, responses.at(-1)?.body], [count, String(count - 1)]);
  t.equal(path(bench.served.at(-1)), `/${count - 1}`);
  client.socket.destroy();
});

t.test('what is read ahead is bounded: the rest waits in the socket', async (t) => {
  const bench = await startHttp1Server(t);
  const client = rawClient(bench.target);
  const [connection] = [bench.connections];
  client.send(GET);
  await bench.until(() => bench.served.length === 1);
  let written = 0;
  const flood = GET.repeat(1000);
  while (client.socket.write(flood) && written < 64_000_000) written += flood.length;
  for (let turn = 0; turn < 200; turn += 1) {
    if (client.socket.writableLength < 1_000_000) client.socket.write(flood);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.ok((connection[0]?.bytesRead ?? 0) < 200_000, `${connection[0]?.bytesRead} octets were read`);
  t.equal(bench.served.length, 1);
  client.socket.destroy();
});

t.test('bodies: declared, chunked, with trailers if they are wanted', async (t) => {
  const bench = await startHttp1Server(t, { trailers: true });
  const client = rawClient(bench.target);
  client.send('POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc');
  await bench.until(() => bench.served[0]?.ended === true);
  t.equal(bench.served[0]?.body, 'abc');
  bench.served[0]?.answer('1');
  client.send('POST /b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\nhost: b\r\n\r\n');
  await bench.until(() => bench.served[1]?.ended === true);
  t.equal(bench.served[1]?.body, 'abcde');
  t.same(
    bench.served[1]?.trailers.map(({ name, value }) => [name, value]),
    [['x-t', '1']],
  );
  const stream = bench.served[1]?.stream;
  stream?.sendHeaders(headerBlock([[':status', '200']]), false);
  stream?.sendData(Buffer.from('hello'), false);
  stream?.sendTrailers(headerBlock([['grpc-status', '0']]));
  const responses = await client.responses(2);
  t.match(responses[1], { body: 'hello', trailers: { 'grpc-status': '0' }, headers: { 'transfer-encoding': 'chunked' } });
  client.socket.destroy();
});

t.test('trailers are dropped unless they are wanted', async (t) => {
  const bench = await startHttp1Server(t);
  const client = rawClient(bench.target);
  client.send('POST /b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-t: 1\r\n\r\n');
  await bench.until(() => bench.served[0]?.ended === true);
  t.same(bench.served[0]?.trailers, []);
  bench.served[0]?.stream.sendHeaders(headerBlock([[':status', '200']]), false);
  bench.served[0]?.stream.sendTrailers(headerBlock([['grpc-status', '0']]));
  t.match(await client.responses(1), [{ body: '', trailers: {} }]);
  client.socket.destroy();
});

t.test('expect: 100-continue is answered when the request has its turn', async (t) => {
  const bench = await startHttp1Server(t);
  const client = rawClient(bench.target);
  client.send(`${GET}POST /2 HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n`);
  await bench.until(() => bench.served.length === 1);
  t.equal(client.text(), '');
  bench.served[0]?.answer('one');
  const [, informational] = await client.responses(2);
  t.equal(informational?.status, 100);
  client.send('abc');
  await bench.until(() => bench.served[1]?.ended === true);
  bench.served[1]?.answer('two');
  t.same(
    (await client.responses(3)).map(({ status, body }) => [status, body]),
    [
      [200, 'one'],
      [100, ''],
      [200, 'two'],
    ],
  );
  client.socket.destroy();
});

t.test('a body is read at the pace of who takes it', async (t) => {
  const bench = await startHttp1Server(t, {
    onServed: (one) => {
      one.isGreedy = false;
    },
  });
  const client = rawClient(bench.target);
  const size = 8_000_000;
  client.send(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${size}\r\n\r\n`);
  client.socket.write(Buffer.alloc(size, 'x'));
  await bench.until(() => (bench.served[0]?.body.length ?? 0) > 0);
  for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  const [one] = bench.served;
  t.ok((bench.connections[0]?.bytesRead ?? size) < 1_000_000, 'nothing more is read without credit');
  t.ok((one?.body.length ?? size) <= 65_536);
  if (one) one.isGreedy = true;
  one?.stream.credit(one.body.length);
  await bench.until(() => one?.ended === true);
  t.equal(one?.body.length, size);
  client.socket.destroy();
});

t.test('an answer that nobody reads is not taken in', async (t) => {
  const bench = await startHttp1Server(t);
  const client = rawClient(bench.target);
  client.send(GET);
  await bench.until(() => bench.served.length === 1);
  client.socket.pause();
  const [one] = bench.served;
  one?.stream.sendHeaders(headerBlock([[':status', '200']]), false);
  const chunk = Buffer.alloc(65_536, 'y');
  let sent = 0;
  for (; sent < 200; sent += 1) {
    if (one?.stream.sendData(chunk, false) === false) {
      sent += 1;
      break;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.ok(sent < 200, `stopped after ${sent} chunks`);
  client.socket.resume();
  await bench.until(() => one?.drains === 1);
  one?.stream.sendData(Buffer.from('end'), true);
  const [response] = await client.responses(1);
  t.equal(response?.body.length, sent * chunk.length + 3);
  client.socket.destroy();
});

t.test('an answer before the request is whole is the last one, and arrives', async (t) => {
  const bench = await startHttp1Server(t);
  const client = rawClient(bench.target);
  client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 50000000\r\n\r\n');
  await bench.until(() => bench.served.length === 1);
  bench.served[0]?.answer('no');
  bench.served[0]?.stream.reset(0);
  for (let i = 0; i < 50; i += 1) client.send('x'.repeat(65_536));
  const [response] = await client.responses(1);
  t.match(response, { body: 'no', headers: { connection: 'close' } });
  client.socket.end();
  await client.closed();
  await bench.until(() => bench.closes.length === 1);
  t.equal(bench.served.length, 1);
});

t.test('garbage behind a good request: that one is answered first', async (t) => {
  const bench = await startHttp1Server(t);
  const client = rawClient(bench.target);
  client.send(`${GET}\x16\x03\x01 what?\r\n\r\n`);
  await bench.until(() => bench.served.length === 1);
  bench.served[0]?.answer('good');
  const responses = await client.responses(2);
  t.same(
    responses.map(({ status, headers }) => [status, headers['connection']]),
    [
      [200, undefined],
      [400, 'close'],
    ],
  );
  await client.closed();
  await bench.until(() => bench.closes.length === 1);
  t.match(bench.closes, [/Parse Error/]);
});

t.test('a body that is no body: the answer says so, or an answer that began breaks off', async (t) => {
  const bench = await startHttp1Server(t);
  const head = 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n';
  const first = rawClient(bench.target);
  first.send(`${head}zz\r\n`);
  t.match(await first.responses(1), [{ status: 400, headers: { connection: 'close' } }]);
  await first.closed();
  t.match(bench.served[0]?.problem, { details: 'http1.codec_error' });
  const second = rawClient(bench.target);
  second.send(head);
  await bench.until(() => bench.served.length === 2);
  bench.served[1]?.stream.sendHeaders(headerBlock([[':status', '200']]), false);
  second.send('zz\r\n');
  await bench.until(() => bench.served[1]?.problem !== undefined);
  bench.served[1]?.stream.reset(2);
  t.notMatch(await second.closed(), /\r\n0\r\n/);
});

t.test('a caller who goes away resets its request; a throw ends one connection only', async (t) => {
  const bench = await startHttp1Server(t, {
    onServed: (one) => {
      if (bench.served.length === 2)
        one.onChange = () => {
          throw new Error('a fault of ours');
        };
    },
  });
  const [gone, thrown, fine] = [rawClient(bench.target), rawClient(bench.target), rawClient(bench.target)];
  gone.send(GET);
  await bench.until(() => bench.served.length === 1);
  gone.socket.destroy();
  await bench.until(() => bench.closes.length === 1);
  t.equal(bench.served[0]?.reset, 'connection');
  t.equal(bench.served[0]?.stream.isOpen, false);
  thrown.send(GET);
  await thrown.closed();
  t.match(bench.closes[1], /a fault of ours/);
  fine.send(GET);
  await bench.until(() => bench.served.length === 3);
  bench.served[2]?.answer('ok');
  t.match(await fine.responses(1), [{ body: 'ok' }]);
  fine.socket.destroy();
});

t.test('draining: an idle connection goes at once, a busy one behind its answer, a stuck one at the deadline', async (t) => {
  const clock = new FakeClock();
  const bench = await startHttp1Server(t, { clock });
  const [idle, busy, stuck] = [rawClient(bench.target), rawClient(bench.target), rawClient(bench.target)];
  idle.send(GET);
  await bench.until(() => bench.served.length === 1);
  bench.served[0]?.answer('1');
  await idle.responses(1);
  busy.send(`${GET}${GET}`);
  await bench.until(() => bench.served.length === 2);
  stuck.send(GET);
  await bench.until(() => bench.served.length === 3);
  const drained = bench.connections.map((connection) => connection.drain(5000));
  await idle.closed();
  bench.served[1]?.answer('2');
  t.match(await busy.responses(1), [{ body: '2', headers: { connection: 'close' } }]);
  await busy.closed();
  await clock.advance(5000);
  await stuck.closed();
  await Promise.all(drained);
  t.same(
    bench.served.map(({ reset }) => reset),
    [undefined, undefined, 'connection'],
  );
  t.equal(clock.pending, 0);
});

t.test('phases, and a head that does not get ready', async (t) => {
  const bench = await startHttp1Server(t);
  const client = rawClient(bench.target);
  await new Promise<void>((resolve) => client.socket.once('connect', resolve));
  client.send('GET / HT');
  while (bench.connections[0]?.phase !== 'head') await new Promise((resolve) => setImmediate(resolve));
  bench.connections[0]?.expire();
  t.match(await client.responses(1), [{ status: 408, headers: { connection: 'close' } }]);
  await client.closed();
  t.match(bench.served[0]?.problem, { kind: 'timeout', details: 'stream_idle_timeout' });
});

t.test('CONNECT and HEAD', async (t) => {
  const bench = await startHttp1Server(t);
  const head = rawClient(bench.target);
  head.send('HEAD / HTTP/1.1\r\nhost: a\r\n\r\n');
  await bench.until(() => bench.served.length === 1);
  bench.served[0]?.stream.sendHeaders(
    headerBlock([
      [':status', '200'],
      ['content-length', '77'],
    ]),
    true,
  );
  t.match(await head.responses(1, ['HEAD']), [{ headers: { 'content-length': '77' }, body: '' }]);
  head.socket.destroy();
  const tunnel = rawClient(bench.target);
  tunnel.send('CONNECT b:443 HTTP/1.1\r\nhost: b:443\r\n\r\nbytes of a tunnel');
  await bench.until(() => bench.served.length === 2);
  bench.served[1]?.stream.sendHeaders(headerBlock([[':status', '403']]), true);
  t.match(await tunnel.responses(1), [{ status: 403, headers: { connection: 'close', 'content-length': '0' } }]);
  await tunnel.closed();
});
