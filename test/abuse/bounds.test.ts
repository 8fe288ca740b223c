// 66, 69, 71, 72: what is large, what others can reach, an upstream that misbehaves, and too many connections.
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { envoySkip } from '../support/envoy.ts';
import { createClient, grpcMessage, grpcStatus } from '../support/h2-peers.ts';
import { END_HEADERS, END_STREAM, frame, literals, RawPeer } from '../support/http2-raw.ts';
import { count } from './cases/frames.ts';
import { startPatientUpstream } from './patient-upstream.ts';
import { bootstrapTo, startTarget, type Target } from './target.ts';

t.setTimeout(60_000);
const MIB = 1 << 20;
const KINDS = envoySkip === false ? (['ringway', 'envoy'] as const) : (['ringway'] as const);

async function start(t: Test, kind: 'ringway' | 'envoy', to: string, more?: Parameters<typeof bootstrapTo>[1]): Promise<Target> {
  const target = await startTarget(kind, bootstrapTo(to, more));
  t.teardown(() => target.process.stop());
  return target;
}

t.test('66: a message of 100 MiB passes, and 8 answers of 16 MiB that nobody reads add no more than 64 MiB', async (t) => {
  const upstream = await startPatientUpstream();
  t.teardown(() => upstream.close());
  const target = await start(t, 'ringway', `127.0.0.1:${upstream.port}`);
  const client = connectHttp2(`http://127.0.0.1:${target.port}`, { settings: { initialWindowSize: MIB } });
  t.teardown(() => client.destroy());
  for (let warm = 0; warm < 500; warm += 1) await target.serves();
  const before = target.rss();

  const upload = client.request({ ':method': 'POST', ':path': '/x' });
  upload.resume();
  const piece = Buffer.alloc(MIB);
  let worst = before;
  for (let sent = 0; sent < 100; sent += 1) {
    if (!upload.write(piece)) await once(upload, 'drain');
    worst = Math.max(worst, target.rss());
  }
  upload.end();
  await once(upload, 'close');
  t.ok(worst - before < 64 * MIB, `100 MiB up: ${Math.round((worst - before) / MIB)} MiB more`);

  const streams = Array.from({ length: 8 }, () => client.request({ ':path': '/16MiB' }));
  const sizes = streams.map(() => 0);
  await Promise.all(streams.map((stream) => once(stream, 'response')));
  // everybody else is served while they stand still, over the same connection upstream
  const calm = createClient(`127.0.0.1:${target.port}`);
  for (let turn = 0; turn < 200; turn += 1) {
    t.equal((await calm.call({ path: '/piece' })).body.length, 65_536);
    worst = Math.max(worst, target.rss());
  }
  await calm.close();
  t.ok(worst - before < 64 * MIB, `8 × 16 MiB stalled: ${Math.round((worst - before) / MIB)} MiB more`);
  for (const [index, stream] of streams.entries()) {
    stream.on('data', (chunk: Buffer) => {
      sizes[index]! += chunk.length;
      worst = Math.max(worst, target.rss());
    });
  }
  await Promise.all(streams.map((stream) => once(stream, 'close')));
  t.strictSame(
    sizes,
    streams.map(() => 16 * MIB),
  );
  t.ok(worst - before < 64 * MIB, `8 × 16 MiB read: ${Math.round((worst - before) / MIB)} MiB more`);
  t.equal(upstream.connections.size, 1);
});

t.test('72: connections above the limit are closed at once, the others live', async (t) => {
  const upstream = await startPatientUpstream();
  t.teardown(() => upstream.close());
  const monitor = `overload_manager:
  resource_monitors:
  - { name: envoy.resource_monitors.global_downstream_max_connections, typed_config: { "@type": type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig, max_active_downstream_connections: 20 } }`;
  const key = (name: string): string => `layered_runtime: { layers: [{ name: static, static_layer: { ${name}: 20 } }] }`;
  const limits = [
    ['downstream_global_cx_overflow', monitor],
    ['downstream_global_cx_overflow', key('overload.global_downstream_max_connections')],
    ['downstream_cx_overflow', key('envoy.resource_limits.listener.abuse.connection_limit')],
  ] as const;
  for (const [stat, top] of limits) {
    // Envoy counts its admin connections in the runtime's limit of all: nobody could look at its counters
    for (const kind of top.includes('overload.global') ? (['ringway'] as const) : KINDS) {
      const target = await start(t, kind, `127.0.0.1:${upstream.port}`, { top });
      const counter = `listener.127.0.0.1_0.${stat}`;
      const sockets: Socket[] = [];
      for (let opened = 0; opened < 30; opened += 1) {
        const socket = connect(target.port, '127.0.0.1');
        socket.on('error', () => {});
        socket.resume();
        sockets.push(socket);
        await once(socket, 'connect');
      }
      await t.resolves(
        target.until((stats) => stats.get(counter) === 10),
        `${kind}: ten of thirty, ${counter}`,
      );
      t.equal((await target.process.stats()).get('http.abuse.downstream_cx_active'), 20);
      for (const socket of sockets) socket.destroy();
      await target.until((stats) => stats.get('http.abuse.downstream_cx_active') === 0);
      t.equal(await target.serves(), true, 'and then there is room again');
    }
  }
});

t.test('72: 10 000 connections at once', async (t) => {
  const upstream = await startPatientUpstream();
  t.teardown(() => upstream.close());
  const top = 'layered_runtime: { layers: [{ name: static, static_layer: { overload.global_downstream_max_connections: 9000 } }] }';
  const target = await start(t, 'ringway', `127.0.0.1:${upstream.port}`, { top });
  await target.serves();
  const before = { rss: target.rss(), files: target.files() };
  const sockets: Socket[] = [];
  const open = async (): Promise<void> => {
    const socket = connect(target.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    sockets.push(socket);
    await once(socket, 'connect');
    new RawPeer(socket).sendPreface();
  };
  for (let opened = 0; opened < 10_000; opened += 200) await Promise.all(Array.from({ length: 200 }, open));
  await t.resolves(
    target.until(
      (stats) =>
        stats.get('http.abuse.downstream_cx_active') === 9000 && stats.get('listener.127.0.0.1_0.downstream_global_cx_overflow') === 1000,
    ),
    'nine thousand live, a thousand were closed',
  );
  const each = (target.rss() - before.rss) / 9000;
  t.ok(each < 24 * 1024, `${Math.round(each / 1024)} KiB each`);
  for (const socket of sockets) socket.destroy();
  await t.resolves(
    target.until((stats) => stats.get('http.abuse.downstream_cx_active') === 0, 20_000),
    'nothing is left',
  );
  t.equal(await target.serves(), true);
  t.ok(target.files() <= before.files + 3);
});

/** What an upstream says in place of a good response. */
const ANSWERS: readonly (readonly [name: string, fields: readonly (readonly [string, string])[]])[] = [
  [
    'an upper-case name',
    [
      [':status', '200'],
      ['X-Upper', 'a'],
    ],
  ],
  ['a :status of two digits', [[':status', '20']]],
  ['no :status', [['a', 'b']]],
  [
    'two :status',
    [
      [':status', '200'],
      [':status', '200'],
    ],
  ],
  [
    'a line break in a value',
    [
      [':status', '200'],
      ['a', 'x\r\ny: z'],
    ],
  ],
  [
    'transfer-encoding',
    [
      [':status', '200'],
      ['transfer-encoding', 'chunked'],
    ],
  ],
  ['101 headers', [[':status', '200'], ...count(100, 1)]],
];

t.test('71: what an upstream must not answer ends its call, not the proxy', async (t) => {
  let answer: (typeof ANSWERS)[number][1] = [];
  const server = createServer((socket) => {
    const peer = new RawPeer(socket);
    peer.send(frame('SETTINGS', 0, 0));
    socket.on('data', () => {
      for (const one of peer.frames.splice(0)) {
        if (one.type === 'SETTINGS' && one.flags === 0) peer.send(frame('SETTINGS', 1, 0));
        if (one.type !== 'HEADERS' && one.type !== 'DATA') continue;
        if (one.flags & END_STREAM) peer.send(frame('HEADERS', END_HEADERS | END_STREAM, one.streamId, literals(answer)));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const to = `127.0.0.1:${(server.address() as { port: number }).port}`;
  const targets = await Promise.all(KINDS.map((kind) => start(t, kind, to)));
  for (const [name, fields] of ANSWERS) {
    answer = fields;
    const isTooMuch = fields.length > 100;
    const outcomes = [];
    for (const target of targets) {
      await target.settle();
      const client = createClient(`127.0.0.1:${target.port}`);
      const outcome = await client.call();
      outcomes.push(`${grpcStatus(outcome)} ${grpcMessage(outcome)}`);
      await t.resolves(target.counted(`cluster.up.upstream_rq_${isTooMuch ? 503 : 502}`), `${name}: counted`);
      await client.close();
    }
    for (const outcome of outcomes)
      t.equal(
        outcome,
        `14 upstream connect error or disconnect/reset before headers. reset reason: ${isTooMuch ? 'remote reset' : 'protocol error'}`,
        name,
      );
  }
  answer = [
    [':status', '200'],
    ['x-upstream', 'yes'],
    ['grpc-status', '0'],
  ];
  for (const target of targets) t.equal(await target.serves(), true, 'a good answer passes again');
});
