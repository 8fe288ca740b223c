import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { systemClock } from '../../src/core/index.ts';
import { type ChildSpec, Supervisor } from '../../src/demo/index.ts';
import { type ChildExit, RunningChild } from '../../src/demo/supervisor/child.ts';

const node = (script: string, kind: ChildSpec['kind'] = 'ringway'): ChildSpec => ({
  name: 'a',
  program: process.execPath,
  args: ['-e', script],
  kind,
});
const FOREVER = 'setInterval(() => {}, 1000);';

/** A child and its first line on stdout. */
function started(spec: ChildSpec): Promise<{ child: RunningChild; line: string }> {
  return new Promise((resolve) => {
    const child: RunningChild = new RunningChild(spec, { onLine: (line) => resolve({ child, line }) });
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A process that is not our child has no event for us; the test's own time limit ends the wait. */
async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
}

t.test('how a child ended and its last words', async (t) => {
  const dying: ChildExit = await new RunningChild(node('console.error("one\\ntwo"); process.exit(3)'), {}).exited;
  t.same(dying, { how: 'exit 3', lastWords: 'one | two' });
  const foreign = await new RunningChild({ name: 'a', program: '/bin/sh', args: ['-c', 'echo no >&2; exit 7'], kind: 'foreign' }, {})
    .exited;
  t.same(foreign, { how: 'exit 7', lastWords: 'no' });
  const absent = await new RunningChild({ ...node(''), program: '/no/such/program' }, {}).exited;
  t.match(absent.how, /ENOENT/);
});

for (const kind of ['ringway', 'foreign'] as const) {
  t.test(`a ${kind} child gets SIGTERM and may drain; SIGKILL takes all it started`, async (t) => {
    const script = `process.on('SIGTERM', () => { console.log('drained'); process.exit(0); }); console.log(process.pid); ${FOREVER}`;
    const { child } = await started(node(script, kind));
    child.terminate();
    t.match((await child.exited).how, 'exit 0');
    const { child: stubborn, line } = await started(node(`process.on('SIGTERM', () => {}); console.log(process.pid); ${FOREVER}`, kind));
    stubborn.kill();
    t.match((await stubborn.exited).how, 'SIGKILL');
    await gone(Number(line));
  });
}

t.test('nobody is left when the supervisor is killed hard', async (t) => {
  const script = `
    import { RunningChild } from './src/demo/supervisor/child.ts';
    new RunningChild({ name: 'f', program: '/bin/sh', args: ['-c', 'echo $$; exec sleep 600'], kind: 'foreign' }, { onLine: (line) => console.log(line) });`;
  const supervisor = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: supervisor.stdout }), 'line')) as [string];
  t.equal(isAlive(Number(line)), true);
  supervisor.kill('SIGKILL');
  await gone(Number(line));
  t.pass('the foreign program is gone');
});

t.test('a child that dies is shown and started again; stop ends all', async (t) => {
  const logFile = join(t.testdir({}), 'a.log');
  const supervisor = new Supervisor(systemClock, () => 0);
  const lines: string[] = [];
  const twice = new Promise<void>((resolve) => {
    supervisor.keep(node(`console.log(process.pid); console.error('bye'); setTimeout(() => process.exit(9), 20);`), {
      logFile,
      onLine: (line) => {
        lines.push(line);
        if (lines.length === 2) resolve();
      },
    });
  });
  const reasons: string[] = [];
  const seen = setInterval(() => {
    for (const { state } of supervisor.statuses()) if (state.kind === 'restarting') reasons.push(state.reason);
  }, 10);
  await twice;
  clearInterval(seen);
  t.equal(reasons[0], 'exit 9: bye');
  await supervisor.stop();
  t.match(supervisor.statuses(), [{ name: 'a', state: { kind: 'stopped' } }]);
  t.match(await readFile(logFile, 'utf8'), `${lines[0]}\n`);
  t.not(lines[0], lines[1]);
});
