import { createServer } from 'node:net';
import t, { type Test } from 'tap';
import { runCommand } from '../../src/cli/command.ts';
import { ringCommand } from '../../src/cli/ring.ts';
import { startBackend } from '../support/grpc-backend.ts';
import { memoryIo } from '../support/memory-io.ts';
import { freePorts } from '../support/ports.ts';
import { memberlistPages, startTempoServer } from '../support/tempo-server.ts';

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function ring(...args: string[]): Promise<Ran> {
  const io = memoryIo();
  const code = await runCommand(ringCommand, args, io);
  return { code, ...io.written };
}

/** A ringway.yaml and the list of members it names, in a folder of their own. */
function files(t: Test, members: readonly object[], rings = ''): string {
  const folder = t.testdir({
    'members.yaml': JSON.stringify(members),
    'ringway.yaml': `rings: {live-store: {sources: [{static: {file: members.yaml}}], allowedAddresses: [127.0.0.0/8]}${rings}}`,
  });
  return `${folder}/ringway.yaml`;
}

t.test('a ring that is as it should be: no finding, and the next command', async (t) => {
  const [a, b] = await Promise.all([startBackend('a'), startBackend('b')]);
  t.teardown(() => Promise.all([a.kill(), b.kill()]));
  const file = files(t, [
    { id: 'a-0', address: a.address, zone: 'zone-a', partition: 0 },
    { id: 'b-0', address: b.address, zone: 'zone-b', partition: 0 },
  ]);
  const { code, stdout, stderr } = await ring('show', '-c', file);
  t.equal(stderr, '');
  t.equal(code, 0);
  t.match(stdout, /^ring live-store: 2 members, 1 partition, 2 zones\nsources: static read 0 s ago\n/);
  t.match(stdout, 'partition  state   zone-a       zone-b\n0          ACTIVE  a-0 HEALTHY  b-0 HEALTHY\n');
  t.match(stdout, `findings: none\n\nnext: ringway control -c ${file}\n`);
});

t.test('a port at which nobody listens, for people and for machines, in two seconds', async (t) => {
  const [port] = await freePorts(1);
  const file = files(t, [{ id: 'a-0', address: `127.0.0.1:${port}`, zone: 'zone-a', partition: 0 }]);
  const before = performance.now();
  const { code, stdout } = await ring('show', '-c', file);
  t.ok(performance.now() - before < 2_000);
  t.equal(code, 0, 'the ring was read');
  const command = `ringway sidecar inbound --listen :${port} --member a-0 --control <control>:18000`;
  t.match(
    stdout,
    `  problem  a-0: nothing answers from here at 127.0.0.1:${port} (connection refused)\n           → start the sidecar beside it\n`,
  );
  t.match(stdout, '  warning  partition 0 has one owner, a-0: while it is away every query fails, and no sidecar can help\n');
  t.match(stdout, `\nnext: ${command}\n`);

  const shown = JSON.parse((await ring('show', '-c', file, '--json')).stdout);
  t.match(shown.rings, [
    {
      ring: 'live-store',
      members: [{ id: 'a-0', eds: 'HEALTHY', state: 'ACTIVE', heartbeatAgeMs: null, decidedBy: 'static' }],
      sources: [{ name: 'static', ok: true }],
      partitions: [{ id: 0, owners: ['a-0'] }],
      findings: [{ code: 'port-silent', command }, { code: 'single-owner' }],
    },
  ]);
  const untried = JSON.parse((await ring('show', '-c', file, '--json', '--probe-timeout', '0')).stdout);
  t.same(
    untried.rings[0].findings.map(({ code: found }: { code: string }) => found),
    ['single-owner'],
  );
});

t.test('of a crowd, the ports of the first are tried', async (t) => {
  const [port] = await freePorts(1);
  const file = files(
    t,
    Array.from({ length: 600 }, (_, i) => ({
      id: `m-${1000 + i}`,
      address: `127.1.${i >> 8}.${i & 255}:${port}`,
      zone: 'a',
      partition: i,
    })),
  );
  const { stdout } = await ring('show', '-c', file, '--json', '--probe-timeout', '1s');
  const silent = JSON.parse(stdout).rings[0].findings.filter(({ code }: { code: string }) => code === 'port-silent');
  t.match(silent, [{ text: /^500 of 600 members, the first is m-1000: nothing answers from here/ }]);
});

t.test('a ring that cannot be read: exit 1, and where to ask', async (t) => {
  const { code, stdout, stderr } = await ring('show', '--tempo', `http://127.0.0.1:${(await freePorts(1))[0]}`);
  t.equal(stderr, '');
  t.equal(code, 1);
  t.match(
    stdout,
    /^ring live-store: 0 members, 0 partitions, 0 zones\nsources: tempo fails \(never read\)\n\nfindings:\n {2}problem {2}source tempo fails: .*ECONNREFUSED/,
  );
  t.match(stdout, 'next: ringway ring show --tempo http://<querier>:3200\n');
});

t.test('a process that never answers is given up', async (t) => {
  const mute = createServer((socket) => socket.resume());
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => mute.close(resolve)));
  const before = performance.now();
  const { code, stdout } = await ring('show', '--tempo', `http://127.0.0.1:${(mute.address() as { port: number }).port}`);
  t.equal(code, 1);
  t.ok(performance.now() - before < 2_000);
  t.match(stdout, 'problem  source tempo fails');
});

t.test('a ring whose addresses are refused: the command that lets them in, with the words that were given', async (t) => {
  const tempo = await startTempoServer(t, memberlistPages());
  const words = ['--tempo', tempo.url, '--ring', 'stores', '--allow', '10.0.0.0/8'];
  const { code, stdout } = await ring('show', ...words);
  t.equal(code, 0);
  t.match(stdout, /problem {2}4 of 4 members, the first is live-store-zone-a-0: refused: address "127/);
  t.match(stdout, `\nnext: ringway ring show --tempo ${tempo.url} --allow 10.0.0.0/8 --allow 127.0.0.0/8 --ring stores\n`);
});

t.test('a file with one bad source: its members are missing, the rest is shown', async (t) => {
  const folder = t.testdir({
    'members.yaml': '- {id: a-0, address: "10.0.0.1:9096", zone: zone-a, partition: 0}\n',
    'ringway.yaml': 'rings: {live-store: {sources: [{static: {file: members.yaml}}, {static: {file: none.yaml}}]}}\n',
  });
  const { code, stdout } = await ring('show', '-c', `${folder}/ringway.yaml`, '--probe-timeout', '0');
  t.equal(code, 0);
  t.match(stdout, 'a-0 HEALTHY');
  t.match(stdout, /problem {2}source static-2 fails: .*none\.yaml: no such file\n/);
  t.match(stdout, `\nnext: ringway ring show -c ${folder}/ringway.yaml\n`);
});

t.test('several rings: all of them, or one by name', async (t) => {
  const file = files(t, [], ', other: {sources: [{static: {file: members.yaml}}]}');
  const names = (ran: Ran): string[] => JSON.parse(ran.stdout).rings.map((shown: { ring: string }) => shown.ring);
  t.same(names(await ring('show', '-c', file, '--json')), ['live-store', 'other']);
  t.same(names(await ring('show', '-c', file, '--json', '--ring', 'other')), ['other']);
  t.same(await ring('show', '-c', file, '--ring', 'no'), {
    code: 64,
    stdout: '',
    stderr: 'ringway ring: no ring "no"; there is: live-store, other\n',
  });
});

t.test('bad usage is one line and exit 64', async (t) => {
  const hint = '(see: ringway ring --help)\n';
  const said = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await ring(...args);
    t.equal(code, 64, args.join(' '));
    return stderr;
  };
  t.equal(await said(), `ringway ring: "" is nothing to do with a ring; allowed: show, watch, diff ${hint}`);
  t.equal(await said('show'), `ringway ring: give either --config FILE, or --tempo URL or --source URI ${hint}`);
  t.equal(
    await said('show', '-c', 'x', '--tempo', 'http://y'),
    `ringway ring: give either --config FILE, or --tempo URL or --source URI ${hint}`,
  );
  t.equal(
    await said('show', '-c', 'x', '--allow', '10.0.0.0/8'),
    `ringway ring: --allow goes with --tempo and --source; in a file it is allowedAddresses ${hint}`,
  );
  const empty = `${t.testdir({ 'ringway.yaml': '' })}/ringway.yaml`;
  t.equal(await said('show', '-c', empty), 'ringway ring: there is no ring to read: rings is empty in the file\n');
  t.match(await said('show', '-c', '/no/such/ringway.yaml'), /^ringway ring: .*\/no\/such\/ringway.yaml.*\n$/);
  t.match(await said('show', '--tempo', 'querier:3200'), /^ringway ring: .*"querier:3200".*\n$/);
  t.equal(
    await said('show', '--tempo', 'http://x', '--probe-timeout', '2s'),
    `ringway ring: --probe-timeout: "2s" is longer than 1000 ms ${hint}`,
  );
});
