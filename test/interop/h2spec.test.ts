// h2spec against a sidecar: which of its cases fail, and why each of these may.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { goProgram } from '../support/go.ts';
import { startEchoServer } from '../support/http2-echo.ts';
import { sidecarProgram, startInbound } from './installation.ts';

/** Cases that fail, by section and number. */
const FAILING = [
  'http2/3.5/2', // bytes that are no preface: the listener's codec is AUTO, so like Envoy it answers those in HTTP/1, and closes
];

t.setTimeout(300_000); // of it two minutes for the first compilation

t.test('a sidecar keeps to HTTP/2 as h2spec reads it', async (t) => {
  const [h2spec, program] = [await goProgram(t, 'h2spec'), sidecarProgram(t, 'ringway')];
  if (h2spec === undefined || program === undefined) return;
  const server = await startEchoServer();
  t.teardown(() => server.close());
  const { address } = await startInbound(t, program, { host: '127.0.0.1', port: server.port });
  const folder = await mkdtemp(join(tmpdir(), 'ringway-h2spec-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const report = join(folder, 'report.xml');
  const said = await new Promise<string>((resolve) => {
    const args = ['-h', '127.0.0.1', '-p', String(address.port), '-j', report];
    execFile(h2spec, args, (_failing, stdout) => resolve(stdout));
  });
  const results = resultsIn(await readFile(report, 'latin1'));
  t.equal(results.size, 145);
  const failing = [...results].flatMap(([id, isPassed]) => (isPassed ? [] : [id]));
  if (!t.same(failing, FAILING)) t.comment(said.slice(said.indexOf('Failures:')));
});

/** Whether each case of a JUnit report passed, by section and its number there. */
function resultsIn(junit: string): Map<string, boolean> {
  const results = new Map<string, boolean>();
  const counts = new Map<string, number>();
  for (const [, section = '', content = ''] of junit.matchAll(/<testcase package="([^"]+)"[^>]*>(.*?)<\/testcase>/gs)) {
    const number = (counts.get(section) ?? 0) + 1;
    counts.set(section, number);
    results.set(`${section}/${number}`, content.trim() === '');
  }
  return results;
}
