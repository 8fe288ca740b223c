// `ringway up` as a user runs it: the built program, real child processes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { peer } from '../support/peers.ts';
import { freeOffset, nobodyIsLeft, PROGRAM, processesWith, startUp, type Up } from '../support/up-process.ts';
import { SIDECAR_KINDS } from '../support/with-fleet.ts';

t.setTimeout(300_000);

/** From exec to the line `ready`, on a machine that does other things as well; alone it takes two seconds. */
const READY_MS = 20_000;

for (const kind of SIDECAR_KINDS) {
  const start = async (t: Test, ...words: string[]): Promise<Up | undefined> => {
    if (kind === 'ringway') return startUp(t, words);
    const envoy = peer(t, 'envoy');
    return envoy === undefined ? undefined : startUp(t, ['--envoy', envoy, ...words]);
  };

  t.test(`${kind}: ready soon, queries succeed, SIGTERM ends everything with 0`, async (t) => {
    const up = await start(t);
    if (!up) return;
    t.ok(up.readyMs < READY_MS, `ready after ${Math.round(up.readyMs)} ms`);
    const line = await up.line(/queries ([4-9]|\d\d)/);
    t.match(line, /^members 4 \(4 healthy\), queries \d+, failed 0, requests \d+, errors 0, p99 [\d.]+ ms$/);
    up.process.kill('SIGTERM');
    t.equal(await up.exit(), 0);
    t.equal(up.lines.filter((text) => text === 'ready').length, 1);
    await nobodyIsLeft(t, up.portOffset);
  });

  t.test(
    `${kind}: a live-store that is killed is shown and started again, and no query fails`,
    { skip: process.platform !== 'linux' },
    async (t) => {
      const up = await start(t);
      if (!up) return;
      const address = `127.0.0.1:${9121 + up.portOffset}`;
      const [pid] = processesWith('live-store-zone-a-0', address, 'demo');
      process.kill(pid as number, 'SIGKILL');
      t.match(await up.line(/live-store-zone-a-0 died/), 'live-store-zone-a-0 died (killed by SIGKILL');
      const line = await up.line(/queries .* ms$/);
      t.match(line, ' failed 0,');
      t.not(processesWith('live-store-zone-a-0', address, 'demo')[0], pid, 'another process has its place');
      up.process.kill('SIGINT');
      t.equal(await up.exit(), 0);
      await nobodyIsLeft(t, up.portOffset);
    },
  );

  t.test(`${kind}: killed hard, it leaves nobody behind`, async (t) => {
    const up = await start(t);
    if (!up) return;
    up.process.kill('SIGKILL');
    await up.exit();
    await nobodyIsLeft(t, up.portOffset);
  });

  t.test(`${kind}: one zone; a duration`, async (t) => {
    const up = await start(t, '--zones', '1', '--duration', '4s');
    if (!up) return;
    t.match(await up.line(/queries/), 'members 2 (2 healthy)');
    t.equal(await up.exit(), 0);
    await nobodyIsLeft(t, up.portOffset);
  });

  t.test(`${kind}: on a ring of one's own, without samples`, async (t) => {
    const samples = await start(t);
    if (!samples) return;
    const at = (port: number): string => `127.0.0.1:${port + samples.portOffset}`;
    const portOffset = await freeOffset();
    const own = (port: number): string => `127.0.0.1:${port + portOffset}`;
    const folder = t.testdir({
      'ringway.yaml': `rings:
  mine:
    sources: [{ tempo: { urls: ["http://${at(3200)}"] } }]
    allowedAddresses: ["127.0.0.0/8"]
control: { xds: { listen: "${own(18_000)}" } }
admin: { listen: "${own(9902)}" }
`,
    });
    const envoy = kind === 'envoy' ? ['--envoy', peer(t, 'envoy') as string] : [];
    const up = await startUp(t, ['-c', `${folder}/ringway.yaml`, ...envoy], portOffset);
    t.match(await up.line(/members/), /^members 4 \(4 healthy\)$/);
    const called = spawn(process.execPath, [PROGRAM, 'call', own(9096), 'tempopb.Querier/SearchTags', '--authority', at(9111)]);
    const [code] = (await once(called, 'exit')) as [number];
    t.equal(code, 0, 'a call goes through its egress');
    up.process.kill('SIGTERM');
    t.equal(await up.exit(), 0);
  });
}
