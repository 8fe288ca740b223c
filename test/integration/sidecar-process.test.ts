// The sidecar as its own process: signals, exit codes, what it says.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { clusterYaml, listenerYaml } from '../support/sidecar.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

interface Run {
  readonly child: ChildProcess;
  /** Everything on stderr so far. */
  readonly text: () => string;
  /** Resolves when stderr has it. */
  readonly says: (text: string) => Promise<void>;
  readonly exit: Promise<number | null>;
}

function start(t: { teardown(fn: () => void): void }, args: readonly string[]): Run {
  const child = spawn(process.execPath, [MAIN, 'sidecar', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  const says = async (wanted: string): Promise<void> => {
    while (!text.includes(wanted)) await once(child.stderr as NodeJS.ReadableStream, 'data');
  };
  return { child, text: () => text, says, exit };
}

const statics = (port: number): string =>
  `static_resources: { listeners: [${listenerYaml('in', port, { cluster: 'a' })}], clusters: [${clusterYaml('a', '127.0.0.1:9')}] }`;

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  t.test(`${signal} ends it with 0; SIGHUP and SIGUSR1 do not end it`, async (t) => {
    const run = start(t, ['--config-yaml', statics(0)]);
    await run.says('ringway sidecar: in on 127.0.0.1:');
    run.child.kill('SIGUSR1');
    run.child.kill('SIGHUP');
    await run.says('sidecar.reload_ignored');
    run.child.kill(signal);
    t.equal(await run.exit, 0);
    const lines = run
      .text()
      .split('\n')
      .filter((line) => line.startsWith('{'));
    const events = lines.map((line) => (JSON.parse(line) as { event: string }).event);
    t.strictSame(events, ['sidecar.live', 'sidecar.reload_ignored', 'sidecar.draining']);
  });
}

t.test('without control, and so without a listener, it waits', async (t) => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as { port: number };
  closed.close();
  const run = start(t, ['egress', '--listen', '127.0.0.1:0', '--zone', 'a', '--control', `127.0.0.1:${port}`]);
  await run.says('ringway sidecar: nothing is bound yet');
  while (run.text().split('xds.stream_closed').length < 3 && run.child.exitCode === null)
    await Promise.race([once(run.child.stderr as NodeJS.ReadableStream, 'data'), run.exit]);
  t.equal(run.child.exitCode, null, 'it asks again');
  run.child.kill('SIGTERM');
  t.equal(await run.exit, 0);
});

t.test('a port in use is exit 1 and one line', async (t) => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const { port } = blocker.address() as { port: number };
  const run = start(t, ['--config-yaml', statics(port)]);
  t.equal(await run.exit, 1);
  t.equal(
    run.text(),
    `ringway sidecar: error initializing configuration '--config-yaml': listener 'in': cannot bind '127.0.0.1:${port}': Address already in use\n`,
  );
  blocker.close();
});

t.test('a bad file is exit 1 and one line', async (t) => {
  const dir = t.testdir({ 'e.yaml': 'static_resources:\n  clusters:\n  - name: a\n    conect_timeout: 1s\n' });
  const run = start(t, ['-c', join(dir, 'e.yaml')]);
  t.equal(await run.exit, 1);
  t.match(
    run.text(),
    /^ringway sidecar: error initializing configuration '.*e\.yaml': .*e\.yaml:4:5: static_resources\.clusters\[0\]\.conect_timeout: .*\n$/,
  );
});
