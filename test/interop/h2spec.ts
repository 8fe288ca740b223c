import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostPort } from '../../src/core/index.ts';
import { folderOf, type Scope } from './installation.ts';

/** Cases that fail, by section and number. */
export const FAILING_H2SPEC: Readonly<Record<string, string>> = {
  'http2/3.5/2': 'bytes that are no preface: the codec of the listener is AUTO, so like Envoy it answers those in HTTP/1, and closes',
};

/** What h2spec says of a server: whether each case passed, and its whole report for people. */
export async function runH2spec(
  t: Scope,
  h2spec: string,
  { host, port }: HostPort,
): Promise<{ results: Map<string, boolean>; said: string }> {
  const report = join(await folderOf(t, {}), 'report.xml');
  const said = await new Promise<string>((resolve) => {
    execFile(h2spec, ['-h', host, '-p', String(port), '-j', report], (_failing, stdout) => resolve(stdout));
  });
  return { results: resultsIn(await readFile(report, 'latin1')), said };
}

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
