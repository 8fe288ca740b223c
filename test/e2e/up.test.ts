// `ringway up` as a user runs it: the built program, real child processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { assertFree, listenersOf, planInstallation } from '../../src/demo/index.ts';
import { peer } from '../support/peers.ts';
import { SIDECAR_KINDS, until } from '../support/with-fleet.ts';

t.setTimeout(300_000);

const PROGRAM = resolve(process.env['RINGWAY_PROGRAM'] ?? 'dist/bin/ringway.js');
/** From exec to the line `ready`, on a machine that does other things as well; alone it takes two seconds. */
const READY_MS = 20_000;

interface Up {
  readonly process: ChildProcess;
  readonly lines: string[];
  readonly portOffset: number;
  readonly readyMs: number;
  /** Resolves with the first line, from now on, that matches. */
  line(pattern: RegExp): Promise<string>;
  exit(): Promise<number | null>;
}

let nextOffset = 20_000 + (process.pid % 200) * 50;

async function freeOffset(): Promise<number> {
  for (;;) {
    nextOffset = nextOffset > 44_000 ? 20_000 : nextOffset + 50;
    const offset = nextOffset;
    const isFree = await assertFree(
      listenersOf(planInstallation({ zones: 2, portOffset: offset })).filter(({ address }) => address.port > 0),
    )
      .then(() => true)
      .catch(() => false);
    if (isFree) return offset;
  }
}

/** Resolves when `up` has said `ready`. */
async function startUp(t: Test, words: readonly string[], offset?: number): Promise<Up> {
  const portOffset = offset ?? (await freeOffset());
  const startedMs = performance.now();
  const child = spawn(process.execPath, [PROGRAM, 'up', '--port-offset', String(portOffset), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGTERM'));
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const lines: string[] = [];
  const waiting = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      for (const tell of waiting) tell(line);
    });
  const line = (pattern: RegExp): Promise<string> =>
    new Promise((found, fail) => {
      const tell = (text: string): void => {
        if (!pattern.test(text)) return;
        waiting.delete(tell);
        found(text);
      };
      waiting.add(tell);
      void exited.then((code) => fail(new Error(`up ended with ${code}: ${lines.join('\n')}`)));
    });
  await line(/^ready$/);
  return { process: child, lines, portOffset, readyMs: performance.now() - startedMs, line, exit: () => exited };
}

/** Every port of an installation can be bound again: nobody is left. */
async function nobodyIsLeft(t: Test, portOffset: number): Promise<void> {
  const listeners = listenersOf(planInstallation({ zones: 2, portOffset }));
  await until(
    () =>
      assertFree(listeners)
        .then(() => true)
        .catch(() => false),
    'every port is free again',
  );
  t.pass('no orphan holds a port');
}

/** Ids of the processes whose command line has all of these words. Linux only, as is the test that needs it. */
function processesWith(...words: string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words.every((word) => commandLine.includes(word));
      } catch {
        return false;
      }
    })
    .map(Number);
}

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
