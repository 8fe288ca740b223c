import { EventEmitter, once } from 'node:events';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createConfig, type RingwayConfig, watchConfig, watchFile } from '../../src/config/index.ts';
import { type RingwayError, systemClock } from '../../src/core/index.ts';
import { FakeClock } from '../support/fake-clock.ts';

const good = (level: string): string => `telemetry: { logLevel: ${level} }\n`;

/** A watch whose news can be awaited. */
function watched(file: string, inUse: RingwayConfig) {
  const news = new EventEmitter();
  const watch = watchConfig(file, inUse, systemClock, {
    onConfig: (config) => news.emit('config', config),
    onError: (error) => news.emit('bad', error),
  });
  return {
    close: () => watch.close(),
    reload: () => watch.reload(),
    count: (kind: 'config' | 'bad', onEach: () => void) => news.on(kind, onEach),
    config: async (): Promise<RingwayConfig> => (await once(news, 'config'))[0],
    error: async (): Promise<RingwayError> => (await once(news, 'bad'))[0],
  };
}

t.test('a changed file is read; a bad one keeps the old; the next good one is read again', async (t) => {
  const file = join(t.testdir({ 'ringway.yaml': good('info') }), 'ringway.yaml');
  const watch = watched(file, createConfig('test', {}));
  t.teardown(watch.close);

  const changed = watch.config();
  writeFileSync(file, good('debug'));
  t.equal((await changed).telemetry.logLevel, 'debug');

  const failed = watch.error();
  writeFileSync(file, good('loud'));
  t.equal((await failed).message, `${file}:1: telemetry.logLevel: "loud" is unknown, allowed: debug, info, warn, error, silent`);

  const replaced = watch.config();
  writeFileSync(`${file}.new`, good('warn'));
  renameSync(`${file}.new`, file);
  t.equal((await replaced).telemetry.logLevel, 'warn');

  const gone = watch.error();
  rmSync(file);
  t.equal((await gone).message, `${file}: no such file`);
});

t.test('a reload reads at once, and says nothing when the file means the same', async (t) => {
  const file = join(t.testdir({ 'ringway.yaml': good('info') }), 'ringway.yaml');
  const watch = watched(file, createConfig('test', {}));
  t.teardown(watch.close);
  let configs = 0;
  watch.count('config', () => {
    configs += 1;
  });
  await watch.reload();
  t.equal(configs, 0);
  writeFileSync(file, `# a comment only\n${good('info')}`);
  await watch.reload();
  t.equal(configs, 0);
  writeFileSync(file, good('error'));
  await watch.reload();
  t.equal(configs, 1);
});

t.test('the same error is told once, but again to each reload', async (t) => {
  const file = join(t.testdir({}), 'ringway.yaml');
  const watch = watched(file, createConfig('test', {}));
  t.teardown(watch.close);
  let errors = 0;
  watch.count('bad', () => {
    errors += 1;
  });
  await watch.reload();
  await watch.reload();
  t.equal(errors, 2);
});

t.test('nothing is told after close', async (t) => {
  const file = join(t.testdir({ 'ringway.yaml': good('info') }), 'ringway.yaml');
  const watch = watched(file, createConfig('test', {}));
  let told = 0;
  watch.count('config', () => {
    told += 1;
  });
  watch.close();
  watch.close();
  writeFileSync(file, good('debug'));
  await watch.reload();
  t.equal(told, 0);
});

t.test('links that Kubernetes swaps under a file count as a change of it', async (t) => {
  const directory = t.testdir({ one: { f: '1' }, two: { f: '2' } });
  symlinkSync('one', join(directory, '..data'));
  symlinkSync(join('..data', 'f'), join(directory, 'f'));
  const changed = new Promise<void>((resolve) => {
    const watch = watchFile(join(directory, 'f'), systemClock, resolve);
    t.teardown(watch.close);
  });
  symlinkSync('two', join(directory, '..tmp'));
  renameSync(join(directory, '..tmp'), join(directory, '..data'));
  await changed;
});

t.test('a directory that comes later is watched from then on', async (t) => {
  const clock = new FakeClock();
  const directory = join(t.testdir({}), 'later');
  let changes = 0;
  const watch = watchFile(join(directory, 'f'), clock, () => {
    changes += 1;
  });
  t.teardown(watch.close);
  await clock.advance(3000);
  t.equal(changes, 0);
  mkdirSync(directory);
  writeFileSync(join(directory, 'f'), '1');
  await clock.advance(1000);
  t.equal(changes, 1);
  watch.close();
  t.equal(clock.pending, 0);
});
