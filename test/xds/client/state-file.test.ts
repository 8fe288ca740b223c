import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { Node } from '../../../src/gen/envoy/config/core/v3/base.ts';
import { type Logger, MetricRegistry, silentLogger } from '../../../src/telemetry/index.ts';
import { AdsClient, type Interests, StateFile } from '../../../src/xds/client/index.ts';
import type { ResourceUpdate } from '../../../src/xds/client/types.ts';
import { TYPE_URLS } from '../../../src/xds/types.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { RecordingSink } from '../../support/recording-sink.ts';
import { ScriptedAds } from '../../support/scripted-ads.ts';
import { unsliced } from '../../support/unsliced.ts';

const { cluster: CDS, endpoint: EDS, listener: LDS, secret: SDS } = TYPE_URLS;
const node = { id: 'n', cluster: 'live-store/egress' };

function update(typeUrl: string, names: readonly string[], removed: readonly string[] = []): ResourceUpdate {
  return {
    typeUrl,
    version: 'v',
    upserts: names.map((name) => ({ name, version: `${name}1`, typeUrl, value: Buffer.from(name) })),
    removed,
  };
}

function warnings(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  return { lines, log: { ...silentLogger, warn: (event, _fields, message) => lines.push(`${event}: ${message}`) } };
}

t.test('keeps what was accepted, without secrets, in one file that replaces the one before', async (t) => {
  const dir = join(t.testdir(), 'state', 'of', 'one');
  const clock = new FakeClock();
  const file = new StateFile({ dir, node, clock, log: silentLogger });
  t.strictSame(await file.load(), [], 'nothing there yet');
  file.record(update(EDS, ['a']), []);
  file.record(update(CDS, ['a', 'b', 'bad']), [{ name: 'bad', message: 'no' }]);
  file.record(update(SDS, ['key']), []);
  file.record(update(CDS, [], ['b']), []);
  await clock.advance(1_000);
  await file.flush();
  t.strictSame(await readdir(dir), ['xds-state']);
  t.notMatch(await readFile(join(dir, 'xds-state'), 'utf8'), 'Secret');

  const again = await new StateFile({ dir, node, clock, log: silentLogger }).load();
  t.strictSame(
    again.map(({ typeUrl, version, upserts }) => [
      typeUrl,
      version,
      upserts.map((r) => [r.name, r.version, Buffer.from(r.value).toString()]),
    ]),
    [
      [CDS, 'v', [['a', 'a1', 'a']]],
      [EDS, 'v', [['a', 'a1', 'a']]],
    ],
  );
});

t.test('ignores with a warning what is damaged, cut, foreign, too large or another node’s', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'xds-state');
  const clock = new FakeClock();
  const write = new StateFile({ dir, node, clock, log: silentLogger });
  write.record(update(CDS, ['a']), []);
  await write.flush();
  const good = await readFile(path);
  const load = async (bytes: Buffer, more: { node?: typeof node; maxBytes?: number } = {}): Promise<string[]> => {
    await writeFile(path, bytes);
    const { log, lines } = warnings();
    t.strictSame(await new StateFile({ dir, node, clock, log, ...more }).load(), []);
    return lines;
  };
  const flipped = Buffer.from(good);
  flipped[good.length - 3] = 0x20;
  t.strictSame(await load(flipped), ['xds.state_ignored: saved configuration ignored: its checksum is wrong']);
  t.strictSame(await load(good.subarray(0, 90)), ['xds.state_ignored: saved configuration ignored: its checksum is wrong']);
  t.strictSame(await load(Buffer.from('hello')), [
    'xds.state_ignored: saved configuration ignored: it is not a state file of this version',
  ]);
  t.strictSame(await load(Buffer.alloc(0)), ['xds.state_ignored: saved configuration ignored: it is not a state file of this version']);
  t.strictSame(await load(good, { maxBytes: 10 }), [
    `xds.state_ignored: saved configuration ignored: it has ${good.length} bytes, more than 10`,
  ]);
  t.strictSame(await load(good, { node: { id: 'm', cluster: 'live-store/egress' } }), [
    'xds.state_ignored: saved configuration ignored: it is of node n in live-store/egress, not of m in live-store/egress',
  ]);
});

t.test('what cannot be written is a warning', async (t) => {
  const dir = t.testdir({ file: 'not a directory' });
  const { log, lines } = warnings();
  const file = new StateFile({ dir: join(dir, 'file'), node, clock: new FakeClock(), log });
  file.record(update(CDS, ['a']), []);
  await file.flush();
  t.equal(lines.length, 1);
  t.match(lines[0], /^xds\.state_not_written: configuration not saved: E/);
});

t.test('serves the saved state when control is away, then tells control what is here', async (t) => {
  const dir = t.testdir();
  const saved = new StateFile({ dir, node, clock: new FakeClock(), log: silentLogger });
  for (const each of [update(CDS, ['a', 'b']), update(EDS, ['a', 'stale']), update(LDS, ['in'])]) saved.record(each, []);
  await saved.flush();

  for (const away of ['refused', 'silent'] as const) {
    const ads = new ScriptedAds();
    const clock = new FakeClock();
    const sink = new RecordingSink();
    const client = new AdsClient({
      transport: ads,
      variant: 'delta',
      node: { ...Node.decode(new Uint8Array()), ...node },
      setNodeOnFirstMessageOnly: true,
      backoff: { baseMs: 500, maxMs: 30_000 },
      sink,
      clock,
      slices: unsliced,
      random: () => 0.5,
      registry: new MetricRegistry(),
      log: silentLogger,
      state: new StateFile({ dir, node, clock, log: silentLogger }),
    });
    const loaded = new Promise<void>((resolve) => {
      sink.onApply = (update): void => {
        if (update.typeUrl === CDS) client.want(wanting({ [EDS]: ['a', 'b'] }));
        if (update.typeUrl === EDS) resolve();
      };
    });
    client.want(new Map([[CDS, { kind: 'all' }]]));
    client.start();
    if (away === 'refused') ads.last.end();
    else await clock.advance(1_000);
    await loaded;
    await settle();
    t.strictSame(sink.take(), ['Cluster v +[a,b]', 'ClusterLoadAssignment v +[a]'], away);
    await clock.advance(250);
    t.equal(ads.streams.length, 2, 'a silent stream was opened anew');
    t.strictSame(ads.last.take(), ['Cluster have{a:a1,b:b1} node=n', 'ClusterLoadAssignment +[a,b] have{a:a1}']);
    client.want(new Map([[LDS, { kind: 'all' }]]));
    await settle();
    t.strictSame(sink.take(), ['Listener v +[in]'], 'a type that is wanted later is served from the file, too');
    t.strictSame(ads.last.take(), ['Listener have{in:in1}']);
    await client.stop();
    const kept = await new StateFile({ dir, node, clock, log: silentLogger }).load();
    t.strictSame(
      kept.map(({ typeUrl }) => typeUrl),
      [CDS, EDS, LDS],
    );
  }
});

t.test('does not read the saved state when control answers', async (t) => {
  const ads = new ScriptedAds();
  const clock = new FakeClock();
  const sink = new RecordingSink();
  const dir = t.testdir();
  const saved = new StateFile({ dir, node, clock, log: silentLogger });
  saved.record(update(CDS, ['old']), []);
  await saved.flush();
  const client = new AdsClient({
    transport: ads,
    variant: 'delta',
    node: { ...Node.decode(new Uint8Array()), ...node },
    setNodeOnFirstMessageOnly: true,
    backoff: { baseMs: 500, maxMs: 30_000 },
    sink,
    clock,
    slices: unsliced,
    random: () => 0.5,
    registry: new MetricRegistry(),
    log: silentLogger,
    state: new StateFile({ dir, node, clock, log: silentLogger }),
  });
  client.want(new Map([[CDS, { kind: 'all' }]]));
  client.start();
  ads.last.respond(CDS, 'c1', [{ name: 'new' }]);
  await clock.advance(2_000);
  ads.last.end();
  await clock.advance(1_000);
  await client.stop();
  t.strictSame(sink.take(), ['Cluster c1 +[new]']);
  const kept = await new StateFile({ dir, node, clock, log: silentLogger }).load();
  t.strictSame(
    kept.map(({ upserts }) => upserts.map(({ name }) => name)),
    [['new']],
  );
});

function wanting(names: Record<string, string[]>): Interests {
  return new Map(Object.entries(names).map(([typeUrl, list]) => [typeUrl, { kind: 'names', names: new Set(list) }]));
}
