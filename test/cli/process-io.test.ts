import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import t from 'tap';

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;
const MEMBER = '[{id: a-0, address: "10.0.0.1:9096"}]';

t.test(
  'a disk that is full is one line and exit code 1',
  { skip: existsSync('/dev/full') ? false : 'there is no /dev/full here' },
  async (t) => {
    const file = `${t.testdir({ 'members.yaml': MEMBER })}/members.yaml`;
    const words = `"${process.execPath}" "${MAIN}" ring show --probe-timeout 0 --source "${file}" > /dev/full`;
    const failed = await promisify(execFile)('/bin/sh', ['-c', words]).catch((error) => error);
    t.equal(failed.code, 1);
    t.equal(failed.stderr, 'ringway: cannot write to stdout: ENOSPC: no space left on device, write\n');
  },
);

t.test('a reader that goes away ends what goes on for ever, and is no failure', async (t) => {
  const file = `${t.testdir({ 'members.yaml': MEMBER })}/members.yaml`;
  const child = spawn(process.execPath, [MAIN, 'ring', 'watch', '--source', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const ended = once(child, 'exit');
  await writeFile(file, MEMBER.replace('a-0', 'b-0'));
  t.same(await ended, [0, null]);
});

t.test('a file that is not there yet, in a folder that is not there yet, is waited for', async (t) => {
  const folder = `${t.testdir({})}/later`;
  const child = spawn(process.execPath, [MAIN, 'ring', 'watch', '--source', `${folder}/members.yaml`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [first] = await once(child.stdout, 'data');
  t.match(String(first), /source static fails: .*: no such file/);
  await mkdir(folder);
  await writeFile(`${folder}/members.yaml`, MEMBER);
  const [then] = await once(child.stdout, 'data');
  t.match(String(then), / a-0 joined: 10\.0\.0\.1:9096/);
  child.kill('SIGINT');
  t.same(await once(child, 'exit'), [0, null]);
});
