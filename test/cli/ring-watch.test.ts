import { rename, writeFile } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { runCommand } from '../../src/cli/command.ts';
import { ringCommand } from '../../src/cli/ring.ts';
import { memoryIo } from '../support/memory-io.ts';
import { memberlistPages, startTempoServer } from '../support/tempo-server.ts';

interface Watching {
  readonly io: ReturnType<typeof memoryIo>;
  readonly ended: Promise<number>;
  /** Resolves with the lines written so far once one of them contains `text`. */
  seen(text: string): Promise<readonly string[]>;
  stop(): void;
}

function watch(t: Test, ...args: string[]): Watching {
  const io = memoryIo();
  const look = new Set<() => void>();
  const stdout = {
    ...io.stdout,
    write: (text: string): void => {
      io.stdout.write(text);
      for (const one of look) one();
    },
  };
  const ended = runCommand(ringCommand, ['watch', ...args], { ...io, stdout });
  t.teardown(() => {
    io.stop();
    return ended;
  });
  return {
    io,
    ended,
    seen: (text) =>
      new Promise((resolve) => {
        const check = (): void => {
          const lines = io.written.stdout.trimEnd().split('\n');
          if (!lines.some((line) => line.includes(text))) return;
          look.delete(check);
          resolve(lines);
        };
        look.add(check);
        check();
      }),
    stop: () => io.stop(),
  };
}

async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

const member = (id: string, host: string, zone = 'zone-a'): string =>
  `- {id: ${id}, address: "${host}:9096", zone: ${zone}, partition: 0}\n`;
const TIME = '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z';

t.test('the ring, then a line for each change, until it is stopped', async (t) => {
  const folder = t.testdir({ 'members.yaml': member('a-0', '10.0.0.1') });
  const file = `${folder}/members.yaml`;
  const watching = watch(t, '--source', file);
  const first = await watching.seen('findings');
  t.equal(first[0], 'ring live-store: 1 member, 1 partition, 1 zone');
  t.notOk(
    first.some((line) => line.startsWith('next:')),
    'nothing is proposed',
  );
  await replace(file, member('a-0', '10.0.0.9') + member('b-0', '10.0.0.2', 'zone-b'));
  const changed = await watching.seen('changed');
  t.match(changed.at(-2), new RegExp(`^${TIME} b-0 joined: 10\\.0\\.0\\.2:9096, zone-b, partition 0, ACTIVE$`));
  t.match(changed.at(-1), new RegExp(`^${TIME} a-0 changed: address 10\\.0\\.0\\.1:9096 → 10\\.0\\.0\\.9:9096$`));
  await replace(file, 'nonsense');
  t.match((await watching.seen('source static fails')).at(-1), new RegExp(`^${TIME} source static fails: .*members\\.yaml:1: .*`));
  await replace(file, member('b-0', '10.0.0.2', 'zone-b'));
  const after = await watching.seen('source static works');
  t.match(after.slice(-2), [/ a-0 left$/, / source static works$/]);
  watching.stop();
  t.equal(await watching.ended, 0);
});

t.test('as JSON, an object a line; several sources show where they are at odds', async (t) => {
  const tempo = await startTempoServer(t, memberlistPages());
  const folder = t.testdir({ 'members.yaml': member('live-store-zone-a-0', '127.0.0.11', 'zone-x') });
  const file = `${folder}/members.yaml`;
  const watching = watch(t, '--json', '--tempo', tempo.url, '--source', file, '--allow', '127.0.0.0/8');
  const [line = ''] = await watching.seen('"event":"ring"');
  const ring = JSON.parse(line);
  t.match(ring, {
    event: 'ring',
    ring: 'live-store',
    sources: [
      { name: 'tempo', ok: true },
      { name: 'static', ok: true },
    ],
  });
  t.same(
    ring.members.map((one: { id: string; disagreements: { reason: string }[] }) => [one.id, one.disagreements.map(({ reason }) => reason)]),
    [
      ['live-store-zone-a-0', ['address', 'zone']],
      ['live-store-zone-a-1', ['missing']],
      ['live-store-zone-b-0', ['missing']],
      ['live-store-zone-b-1', ['missing']],
    ],
  );
  t.same(Object.keys(ring.members[0].heartbeatAgesMs), ['tempo', 'static']);
  t.equal(ring.members[0].heartbeatAgesMs.static, null);
  await replace(
    file,
    member('live-store-zone-b-1', '127.0.0.14', 'zone-b').replace('9096', '9196').replace('partition: 0', 'partition: 1'),
  );
  const lines = (await watching.seen('disagreement.ended')).slice(1).map((text) => JSON.parse(text));
  t.match(
    lines.map(({ event, member: id, disagreement: { reason, source } }) => [event, id, reason, source]),
    [
      ['disagreement.ended', 'live-store-zone-a-0', 'address', 'static'],
      ['disagreement.ended', 'live-store-zone-a-0', 'zone', 'static'],
    ].slice(0, lines.length),
  );
  t.match(lines[0], { ring: 'live-store', time: new RegExp(`^${TIME}$`) });
});

t.test('a ring that cannot be read is watched all the same; bad usage is not', async (t) => {
  const watching = watch(t, '--source', `${t.testdir({})}/none.yaml`);
  t.match(await watching.seen('problem'), ['ring live-store: 0 members, 0 partitions, 0 zones', /static fails/]);
  watching.stop();
  t.equal(await watching.ended, 0);
  const io = memoryIo();
  t.equal(await runCommand(ringCommand, ['watch', '-c', 'x', 'more'], io), 64);
  t.equal(io.written.stderr, 'ringway ring: "more" is one word too many (see: ringway ring --help)\n');
});

t.test('what nobody reads any more is not watched any more', async (t) => {
  const watching = watch(t, '--source', `${t.testdir({ 'members.yaml': member('a-0', '10.0.0.1') })}/members.yaml`);
  await watching.seen('findings');
  watching.io.close();
  t.equal(await watching.ended, 0);
});
