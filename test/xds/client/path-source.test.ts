import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../../src/core/index.ts';
import { MetricRegistry } from '../../../src/telemetry/index.ts';
import { PathSource } from '../../../src/xds/client/index.ts';
import { TYPE_URLS } from '../../../src/xds/types.ts';
import { LogRecorder } from '../../support/recording-logger.ts';
import { RecordingSink } from '../../support/recording-sink.ts';

const response = (version: string, ...names: string[]): string =>
  JSON.stringify({
    version_info: version,
    resources: names.map((name) => ({ '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster', name })),
  });

t.test('reads a file, again when it is replaced, and keeps the last good one', async (t) => {
  // Nothing in a source keeps a process alive.
  const alive = setInterval(() => {}, 1_000);
  t.teardown(() => clearInterval(alive));
  const dir = t.testdir({ 'cds.yaml': response('1', 'a', 'b') });
  const path = join(dir, 'cds.yaml');
  const sink = new RecordingSink();
  const log = new LogRecorder();
  const registry = new MetricRegistry();
  const source = new PathSource({ path, typeUrl: TYPE_URLS.cluster, sink, clock: systemClock, registry, log: log.logger });
  await source.start();
  t.strictSame(sink.take(), ['Cluster 1 +[a,b]']);

  const replace = async (text: string): Promise<void> => {
    await writeFile(join(dir, 'draft'), text);
    await rename(join(dir, 'draft'), path);
  };
  const applied = new Promise<void>((resolve) => {
    sink.onApply = (): void => resolve();
  });
  await replace(response('2', 'b', 'c'));
  await applied;
  t.strictSame(sink.take(), ['Cluster 2 +[b,c] -[a]']);

  await replace('resources: [{ "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster, name: x, nme: y }]');
  const line = await log.first('xds.file_refused');
  t.match(line.message, /^.*cds\.yaml:1:\d+: resources\[0\]\.nme: .*no such field: 'nme'/);
  t.strictSame(sink.take(), []);
  await source.stop();
});

t.test('a missing file, a wrong type and a name twice are warnings; a missing directory is an error', async (t) => {
  const dir = t.testdir({ 'twice.json': response('1', 'a', 'a'), 'cds.json': response('1', 'a') });
  const log = new LogRecorder();
  const make = (path: string, typeUrl = TYPE_URLS.cluster): PathSource =>
    new PathSource({ path, typeUrl, sink: new RecordingSink(), clock: systemClock, registry: new MetricRegistry(), log: log.logger });
  for (const source of [make(join(dir, 'none.yaml')), make(join(dir, 'twice.json')), make(join(dir, 'cds.json'), TYPE_URLS.listener)]) {
    await source.start();
    await source.stop();
  }
  t.match(
    log.lines.map(({ message }) => message.replaceAll(dir, '')),
    [
      /^cannot read \/none\.yaml: ENOENT/,
      '/twice.json: resource "a" appears twice in one response',
      /\/cds\.json: resource "a" is a .*Cluster in a response of .*Listener/,
    ],
  );
  await t.rejects(make(join(dir, 'nowhere', 'cds.yaml')).start(), { code: 'CONFIG' });
});
