import { spawn } from 'node:child_process';
import t from 'tap';
import { goProgram } from '../support/go.ts';
import { startEchoServer } from '../support/http2-echo.ts';

t.setTimeout(300_000); // of it two minutes for the first compilation

t.test('h2spec finds nothing wrong', async (t) => {
  const h2spec = await goProgram(t, 'h2spec');
  if (h2spec === undefined) return;
  const server = await startEchoServer();
  t.teardown(() => server.close());
  const child = spawn(h2spec, ['-h', '127.0.0.1', '-p', String(server.port), '-o', '2'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const output = Buffer.concat((await child.stdout.toArray()) as Buffer[]).toString();
  const failures = (output.match(/.*×.*/g) ?? []).join('\n');
  t.equal(output.trim().split('\n').at(-1), '145 tests, 145 passed, 0 skipped, 0 failed', failures);
});
