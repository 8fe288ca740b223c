// 64, 65, 72 and thousands of connections that do nothing good.
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { END_HEADERS, END_STREAM, frame, literals, RawPeer } from '../support/http2-raw.ts';
import { BASE, repeat, reset } from './cases/frames.ts';
import { gather, NUISANCES, type Nuisance } from './crowd.ts';
import { startPatientUpstream } from './patient-upstream.ts';
import { bootstrapTo, startTarget, type Target } from './target.ts';

t.setTimeout(120_000);
const MIB = 1 << 20;
const upstream = await startPatientUpstream();
t.teardown(() => upstream.close());

async function start(t: Test, more?: Parameters<typeof bootstrapTo>[1]): Promise<Target> {
  const target = await startTarget('ringway', bootstrapTo(`127.0.0.1:${upstream.port}`, more));
  t.teardown(() => target.process.stop());
  return target;
}

const stat = (stats: ReadonlyMap<string, number>, name: string): number => stats.get(name) ?? 0;
const active = (stats: ReadonlyMap<string, number>): number => stat(stats, 'http.abuse.downstream_cx_active');

/** No connection, request or file is left of what was there; it serves on. */
async function leavesNothing(t: Test, target: Target, before: { readonly rss: number; readonly files: number }): Promise<void> {
  for (const name of ['downstream_cx_active', 'downstream_rq_active'])
    await t.resolves(
      target.until((stats) => stat(stats, `http.abuse.${name}`) === 0, 20_000),
      name,
    );
  await t.resolves(
    target.until((stats) => stat(stats, 'cluster.up.upstream_rq_active') === 0),
    'upstream_rq_active',
  );
  await target.serves();
  await t.resolves(target.until((stats) => active(stats) === 0));
  // one more to the admin pages, and one to the upstream
  t.ok(target.files() <= before.files + 3, `files: ${target.files()} after ${before.files}`);
  t.ok(await target.rssBelow(before.rss * 1.2), `memory: ${mebibytes(target.rss())} after ${mebibytes(before.rss)}`);
}

/** What cuts them, by its counter. */
const COUNTERS = [
  'http2.preface_timeout',
  'http2.tx_flush_timeout',
  'http.abuse.downstream_rq_header_timeout',
  'http.abuse.downstream_rq_idle_timeout',
  'http.abuse.downstream_cx_idle_timeout',
];

t.test('64, 65: 2000 connections that never finish a preface, never read, or dribble', async (t) => {
  const manager = 'request_headers_timeout: 1s, stream_idle_timeout: 1s, common_http_protocol_options: { idle_timeout: 1s }';
  const heap = `overload_manager:
  resource_monitors: [{ name: heap, typed_config: { "@type": type.googleapis.com/envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig, max_heap_size_bytes: 67108864 } }]
  actions: [{ name: envoy.overload_actions.reset_high_memory_stream, triggers: [{ name: heap, threshold: { value: 0.5 } }] }]`;
  const target = await start(t, { manager, top: heap });
  // what the first crowds make the process hold for good, the allocator's own store above all, is no leak: the second time it is there
  for (const round of ['first', 'second'] as const) {
    await t.test(`the ${round} time`, async (t) => {
      const before = { rss: target.rss(), files: target.files() };
      await target.settle();
      const worst = highest(() => target.rss());
      const kinds = Object.keys(NUISANCES) as Nuisance[];
      const crowds = await Promise.all(kinds.map((kind) => gather(target.port, kind)));
      for (const counter of COUNTERS) await t.resolves(target.counted(counter), counter);
      const areCut = target.until((stats) => active(stats) === 0, 20_000);
      await t.resolves(areCut, 'all are cut');
      for (const crowd of crowds) crowd.close();
      const more = worst() - before.rss;
      t.ok(more < 192 * MIB, `no more than ${mebibytes(more)} more`);
      await leavesNothing(t, target, { ...before, rss: round === 'first' ? Number.POSITIVE_INFINITY : before.rss });
    });
  }
});

/** The highest value until it is asked for. */
function highest(value: () => number): () => number {
  let found = value();
  const timer = setInterval(() => {
    found = Math.max(found, value());
  }, 50);
  return () => {
    clearInterval(timer);
    return found;
  };
}

const mebibytes = (octets: number): string => `${(octets / MIB).toFixed(0)} MiB`;

const whole = frame('HEADERS', END_HEADERS | END_STREAM, 1, literals(BASE));
const request = (id: number): Buffer => {
  const copy = Buffer.from(whole);
  copy.writeUInt32BE(id, 5);
  return copy;
};

/** `pairs` times: a request that is answered and one that is cancelled at once. */
async function cancelMany(port: number, pairs: number, isPaid: boolean): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1' });
  const peer = new RawPeer(socket);
  peer.sendPreface();
  let id = 1;
  for (let done = 0; done < pairs && !peer.isEnded; done += 100) {
    const good: number[] = [];
    const octets = repeat(100, () => {
      const cancelled = id;
      id += 2;
      if (!isPaid) return Buffer.concat([request(cancelled), reset(cancelled)]);
      good.push(id, id + 2);
      id += 4;
      return Buffer.concat([request(cancelled), reset(cancelled), request(id - 4), request(id - 2)]);
    });
    peer.frames.length = 0;
    peer.send(octets);
    const last = new Set(good);
    await peer.until(() => {
      for (const { streamId, flags, type } of peer.frames) if (type === 'HEADERS' && flags & END_STREAM) last.delete(streamId);
      return last.size === 0;
    });
  }
  const isOpen = !peer.isEnded;
  socket.destroy();
  return isOpen ? id : 0;
}

t.test('100 000 streams opened and cancelled', async (t) => {
  const target = await start(t);
  await cancelMany(target.port, 30_000, true);
  await cancelMany(target.port, 400, false);
  await target.until((stats) => active(stats) === 0);
  const before = { rss: target.rss(), files: target.files() };
  await target.settle();
  await t.test('on one connection, each paid for by two that complete', async (t) => {
    t.not(await cancelMany(target.port, 30_000, true), 0, 'the connection lives');
    await t.rejects(target.counted('http.abuse.downstream_rq_too_many_premature_resets'), 'no abuse');
    await leavesNothing(t, target, before);
  });
  await t.test('on 175 connections, 400 each and nothing else', async (t) => {
    for (let round = 0; round < 7; round += 1) await Promise.all(Array.from({ length: 25 }, () => cancelMany(target.port, 400, false)));
    await leavesNothing(t, target, before);
  });
});
