import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import t from 'tap';
import { createLogger } from '../../src/telemetry/index.ts';

t.test('a line is one JSON object, with what the child says', async (t) => {
  const file = `${t.testdir({})}/log`;
  const fd = openSync(file, 'w');
  createLogger({ level: 'info', role: 'control', fd }).child({ ring: 'live-store' }).warn('source.failed', { source: 'dns' }, 'it fails');
  closeSync(fd);
  const { time, ...rest } = JSON.parse(readFileSync(file, 'utf8'));
  t.match(time, /^\d{4}-\d\d-\d\dT/);
  t.same(rest, { level: 'warn', role: 'control', ring: 'live-store', event: 'source.failed', source: 'dns', message: 'it fails' });
});

t.test('a full disk ends nothing', { skip: existsSync('/dev/full') ? false : 'there is no /dev/full here' }, async (t) => {
  const fd = openSync('/dev/full', 'w');
  t.teardown(() => closeSync(fd));
  const logger = createLogger({ level: 'info', role: 'control', fd });
  for (let i = 0; i < 10_000; i += 1) logger.info('ring.empty', { text: 'x'.repeat(1000) }, 'a line');
  await new Promise((resolve) => setImmediate(resolve));
  t.ok(process.resourceUsage().maxRSS < 400 * 1024, 'lines are not kept for ever');
});
