// The line that says what happened: Envoy's default to the byte, formats of one's own, and what is refused.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { AccessLog } from '../../../src/gen/envoy/config/accesslog/v3/accesslog.ts';
import { SubstitutionFormatString } from '../../../src/gen/envoy/config/core/v3/substitution_format_string.ts';
import { FileAccessLog } from '../../../src/gen/envoy/extensions/access_loggers/file/v3/file.ts';
import { headerBlock } from '../../../src/http2/index.ts';
import { compileAccessLogs, FileSinks, RequestRecord } from '../../../src/proxy/access-log/index.ts';
import { wholeLines } from '../../../src/proxy/access-log/whole-lines.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { until } from '../../support/h2-peers.ts';
import { anyOf, message } from '../../support/message.ts';

const FILE = 'envoy.extensions.access_loggers.file.v3.FileAccessLog';

function record(): RequestRecord {
  const record = new RequestRecord(
    { startedAtMs: Date.UTC(2026, 10, 21, 13, 56, 10, 7), startMs: 1000 },
    { remote: '127.0.0.1:50000', local: '127.0.0.1:9096' },
  );
  record.protocol = 'HTTP/2';
  record.isGrpc = true;
  record.requestHeaders = headerBlock([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/tempopb.Querier/FindTraceByID'],
    [':authority', '127.0.0.13:9096'],
    ['user-agent', 'grpc-go/1.82.1'],
    ['x-request-id', 'abc'],
  ]);
  record.responseHeaders = headerBlock([
    [':status', '200'],
    ['x-envoy-upstream-service-time', '4'],
  ]);
  record.responseTrailers = headerBlock([['grpc-status', '4']]);
  record.responseCode = 200;
  record.bytesReceived = 57;
  record.bytesSent = 1234;
  record.responseStartMs = 1004;
  record.endMs = 1005.4;
  record.upstreamHost = '127.0.0.13:9196';
  record.upstreamCluster = 'live-store/live-store-zone-a-1';
  return record;
}

function logTo(directory: string, fields: Partial<FileAccessLog>) {
  const clock = new FakeClock();
  const path = join(directory, 'access.log');
  const sinks = new FileSinks({ clock, logger: silentLogger });
  const log = message(AccessLog, {
    name: 'file',
    configType: { $case: 'typedConfig', value: anyOf(FILE, FileAccessLog, { path, ...fields }) },
  });
  const [logger] = compileAccessLogs('access_log', [log], sinks);
  if (!logger) throw new Error('no logger');
  return { clock, path, sinks, logger, text: () => readFileSync(path, 'latin1') };
}

function textFormat(value: string): Partial<FileAccessLog> {
  return { accessLogFormat: { $case: 'logFormat', value: message(SubstitutionFormatString, { format: { $case: 'textFormat', value } }) } };
}

t.test("without a format it is Envoy's line", async (t) => {
  const { logger, sinks, text } = logTo(t.testdir(), {});
  logger(record());
  const failed = record();
  failed.setFlag('UF');
  failed.setFlag('URX');
  failed.setFlag('UF');
  failed.responseHeaders = headerBlock([[':status', '503']]);
  failed.responseCode = 503;
  logger(failed);
  await sinks.stop();
  const start = '[2026-11-21T13:56:10.007Z] "POST /tempopb.Querier/FindTraceByID HTTP/2"';
  const end = '"-" "grpc-go/1.82.1" "abc" "127.0.0.13:9096" "127.0.0.13:9196"\n';
  t.equal(text(), `${start} 200 - 57 1234 5 4 ${end}${start} 503 UF,URX 57 1234 5 - ${end}`);
});

t.test('command operators of a text format', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS(NUMBER)% %GRPC_STATUS_NUMBER%', 'DeadlineExceeded DEADLINE_EXCEEDED 4 4'],
    ['%REQ(User-Agent):4% %REQ(none?:authority)% %RESP(none)% %TRAILER(grpc-status)%', 'grpc 127.0.0.13:9096 - 4'],
    ['%START_TIME(%Y/%m/%d %H:%M:%S.%3f %s)% 100%%', '2026/11/21 13:56:10.007 1795269370 100%'],
    ['%UPSTREAM_CLUSTER% %RESPONSE_DURATION% %RESPONSE_TX_DURATION% %REQUEST_DURATION%', 'live-store/live-store-zone-a-1 4 1 -'],
    [
      '%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_LOCAL_ADDRESS%',
      '127.0.0.1:50000 127.0.0.1 127.0.0.1:9096',
    ],
    [
      '→ %RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG% %RESPONSE_CODE_DETAILS%',
      Buffer.from('→ UF UpstreamConnectionFailure -').toString('latin1'),
    ],
  ];
  const one = record();
  one.setFlag('UF');
  for (const [format, line] of cases) {
    const { logger, sinks, text } = logTo(t.testdir(), textFormat(format));
    logger(one);
    await sinks.stop();
    t.equal(text(), line, format);
  }
});

t.test('json has sorted keys, typed numbers, and null for what is absent', async (t) => {
  const value = {
    status: '%RESPONSE_CODE%',
    bytes: { out: '%BYTES_SENT%', in: '%BYTES_RECEIVED%' },
    flags: '%RESPONSE_FLAGS%',
    mixed: 'to %UPSTREAM_HOST%',
  };
  const { logger, sinks, text } = logTo(t.testdir(), { accessLogFormat: { $case: 'jsonFormat', value } });
  logger(record());
  await sinks.stop();
  t.equal(text(), '{"bytes":{"in":57,"out":1234},"flags":null,"mixed":"to 127.0.0.13:9196","status":200}\n');
});

t.test('lines are written together, and to a new file after reopen', async (t) => {
  const { clock, logger, sinks, text, path } = logTo(t.testdir(), textFormat('%RESPONSE_CODE%\n'));
  logger(record());
  logger(record());
  t.equal(text(), '');
  await clock.advance(1000);
  while (text() === '') await settle();
  t.equal(text(), '200\n200\n');
  renameSync(path, `${path}.1`);
  sinks.reopen();
  for (let tries = 0; tries < 1000; tries += 1) {
    try {
      text();
      break;
    } catch {
      await settle();
    }
  }
  await settle();
  logger(record());
  await sinks.stop();
  t.equal(text(), '200\n');
});

t.test('lines whose time comes while others are being written go out behind them', async (t) => {
  const { clock, logger, sinks, text } = logTo(t.testdir(), textFormat(`${'x'.repeat(65_536)}%RESPONSE_CODE%\n`));
  // the fourth fills what is written at once: a write is under way when the fifth comes, and when its second is over
  for (let i = 0; i < 5; i += 1) logger(record());
  void clock.oversleep(1000);
  await until(() => text().length === 5 * 65_540);
  t.equal(clock.pending, 0);
  await sinks.stop();
});

t.test('a full pipe that nobody reads holds up the end of the process for a second, not for ever', async (t) => {
  const from = (path: string): string => JSON.stringify(import.meta.resolve(`../../../src/${path}`));
  const program = `
    import { Socket } from 'node:net';
    import { systemClock, turnClock } from ${from('core/index.ts')};
    import { FileSinks } from ${from('proxy/access-log/index.ts')};
    import { silentLogger } from ${from('telemetry/index.ts')};
    new Socket({ fd: 1, readable: false }); // from now on a write that would block says EAGAIN
    const sink = new FileSinks({ clock: turnClock(systemClock, setImmediate), logger: silentLogger });
    const lines = sink.open('/dev/stdout').begin();
    lines.text('x'.repeat(4 * 1024 * 1024));
    sink.flush();
    process.exit(7);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  t.same(await once(child, 'exit'), [7, null]);
});

t.test('what cannot be written is refused', async (t) => {
  const refused = (fields: Partial<FileAccessLog>, text: RegExp) => t.throws(() => logTo(t.testdir(), fields), { message: text });
  refused(
    textFormat('%NOPE%'),
    /^access_log\[0\]\.typed_config\.log_format\.text_format: %NOPE% is not supported \(only START_TIME, REQ, /,
  );
  refused(textFormat('%REQ(a'), /"%REQ\(a" is no command operator/);
  refused(textFormat('%START_TIME(%Q)%'), /"%Q" is not supported in a time format/);
  refused({ path: '/nowhere/at/all.log' }, /^access_log\[0\]\.typed_config\.path: unable to open file '\/nowhere\/at\/all\.log': ENOENT/);
});

t.test('what goes in one write to a shared pipe: whole lines, 4096 octets unless one line is longer', async (t) => {
  const line = (length: number): string => `${'x'.repeat(length - 1)}\n`;
  const cases: readonly (readonly [string, number])[] = [
    ['', 0],
    ['no end', 6],
    [line(4096), 4096],
    [line(4000) + line(96), 4096],
    [line(4000) + line(97), 4000],
    [line(1000).repeat(5), 4000],
    [line(5000) + line(10), 5000],
    [line(10) + line(5000), 10],
    ['x'.repeat(5000), 5000],
  ];
  for (const [text, length] of cases) t.equal(wholeLines(Buffer.from(text)), length, `${text.length} octets`);
});
