// Every command line of ours in deploy/ is run by the real commands, with its addresses moved to free ports of this machine.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { bootstrapCommand } from '../../src/cli/bootstrap.ts';
import { type Command, runCommand } from '../../src/cli/command.ts';
import { controlCommand } from '../../src/cli/control.ts';
import { sidecarCommand } from '../../src/cli/sidecar.ts';
import { memoryIo } from '../support/memory-io.ts';
import { peer } from '../support/peers.ts';
import { freePorts } from '../support/ports.ts';
import { type CommandLine, commandLines, settings } from './command-lines.ts';
import { accounts, filesOf, renderings } from './installation.ts';
import { containersOf, podOf } from './manifests.ts';

const COMMANDS: Readonly<Record<string, Command>> = { control: controlCommand, sidecar: sidecarCommand };

/** Behind it, indented by four, stands the whole bootstrap. */
const KEY = '  envoy.yaml: |\n';
const RING = 'rings: {live-store: {sources: [{tempo: {urls: ["http://127.0.0.1:1"]}}]}}\n';

const VALUES = {
  ...Object.fromEntries([...settings('inbound.env'), ...settings('egress.env')]),
  POD_NAME: 'tempo-live-store-zone-a-0',
  '%d': '/run/credentials',
  '%S': '/var/lib',
};

for (const line of commandLines(VALUES)) {
  t.test(`${line.from} starts`, async (t) => {
    const [name = '', ...rest] = await movedHere(t, line);
    const io = memoryIo({ POD_NAME: VALUES.POD_NAME, POD_IP: '10.1.2.3' });
    const running = runCommand(COMMANDS[name] as Command, rest, io);
    // Both tell on stderr when they have started, or why they cannot.
    while (io.written.stderr === '') await new Promise(setImmediate);
    io.stop();
    t.equal(await running, 0, io.written.stderr);
    t.match(io.written.stderr, new RegExp(`^ringway ${name}: (xDS on|inbound on|nothing is bound yet|probes on)`));
    if (name === 'sidecar') await printsItsBootstrap(t, rest);
  });
}

/** The words with free ports, with files that exist, and with names that this machine knows. */
async function movedHere(t: Test, { words }: CommandLine): Promise<string[]> {
  const [listen = 0, probe = 0] = await freePorts(2);
  const folder = t.testdir();
  const seed = join(folder, 'member.nk');
  writeFileSync(seed, filesOf(...accounts())['control.nk'] ?? '');
  const config = join(folder, 'ringway.yaml');
  writeFileSync(config, `${RING}control: {xds: {listen: "127.0.0.1:${listen}"}}\nadmin: {listen: "127.0.0.1:0"}\n`);
  const moved: Readonly<Record<string, string>> = {
    '--probe': `127.0.0.1:${probe}`,
    '--control': '127.0.0.1:1',
    '--nats': 'nats://127.0.0.1:1',
    '--nats-nkey': seed,
    '--config': config,
    '--state-dir': folder,
  };
  return words.map((word) => {
    const [flag = '', ...value] = word.split('=');
    if (flag === '--listen') return word.replace(/\d+$/, String(listen));
    return value.length > 0 && moved[flag] !== undefined ? `${flag}=${moved[flag]}` : word;
  });
}

/** What is left of the flags without those of a running process is a bootstrap that can be printed. */
async function printsItsBootstrap(t: Test, words: readonly string[]): Promise<void> {
  const io = memoryIo();
  const composed = words.filter((word) => !/^--(state-dir|probe|drain-time|log-level)=/.test(word));
  t.equal(await runCommand(bootstrapCommand, composed, io), 0, io.written.stderr);
}

t.test('the bootstrap for Envoy is what the command beside it prints', async (t) => {
  const file = 'deploy/kubernetes/live-store-envoy/bootstrap.yaml';
  const before = readFileSync(file, 'utf8');
  const [, command = ''] = /^# {3}ringway bootstrap (.*)$/m.exec(before) ?? [];
  const io = memoryIo();
  t.equal(await runCommand(bootstrapCommand, command.split(' '), io), 0, io.written.stderr);
  const head = before.slice(0, before.indexOf(KEY) + KEY.length);
  const after = `${head}${io.written.stdout.replace(/^(?=.)/gm, '    ')}`;
  if (process.env['UPDATE_GOLDEN']) writeFileSync(file, after);
  t.equal(readFileSync(file, 'utf8'), after);
});

t.test('Envoy takes it, with the flags of the manifest', { timeout: 30_000 }, async (t) => {
  const envoy = peer(t, 'envoy');
  if (envoy === undefined) return;
  const [config, workload] = ['ConfigMap', 'StatefulSet'].map((kind) => renderings()['live-store-envoy'].find((one) => one.kind === kind));
  const pod = workload && podOf(workload);
  const folder = t.testdir({ 'envoy.yaml': config?.data?.['envoy.yaml'] ?? '' });
  const container = pod && containersOf(pod).find(({ name }) => name === 'envoy');
  const args = (container?.args ?? []).map((word) =>
    word.replace('/etc/envoy', folder).replace('$(POD_NAME)', VALUES.POD_NAME).replace('$(RINGWAY_ZONE)', ''),
  );
  t.match(execFileSync(envoy, [...args, '--mode', 'validate'], { encoding: 'utf8', stdio: 'pipe' }), 'OK');
});

t.test('the image is Node and the folder that a build makes', { timeout: 60_000 }, async (t) => {
  const folder = t.testdir();
  const program = join(folder, 'ringway.js');
  execFileSync(process.execPath, ['tools/bundle.mjs', program]);
  const run = (...words: string[]): string => execFileSync(process.execPath, [program, ...words], { cwd: '/', env: {}, encoding: 'utf8' });
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  t.equal(run('--version'), `ringway ${version}\n`);
  t.match(run('bootstrap', 'inbound', '--listen=:9096'), 'name: inbound');
});
