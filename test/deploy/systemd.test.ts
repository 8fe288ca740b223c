// deploy/systemd: systemd takes the units, their order is the ring's, and nothing of the machine is open to them.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { settings, units } from './command-lines.ts';

const OURS = units();

/** systemd-analyze comes with systemd and from nowhere else: no machine without it has to get it. */
const ANALYZE_SKIP = spawnSync('systemd-analyze', ['--version']).status === 0 ? false : 'no systemd-analyze: it comes with systemd';

t.test('systemd-analyze finds nothing wrong', { skip: ANALYZE_SKIP, timeout: 30_000 }, async (t) => {
  const { folder, environment } = installed(t);
  const verified = spawnSync('systemd-analyze', ['verify', '--man=no', ...OURS], { env: environment, cwd: folder, encoding: 'utf8' });
  const complaints = verified.stderr.split('\n').filter((line) => OURS.some((unit) => line.includes(unit.replace('.service', ''))));
  t.strictSame(complaints, []);
  t.equal(verified.status, 0, verified.stderr);
  writeFileSync(join(folder, 'ringway-wrong.service'), '[Service]\nExecStart=/no/such/program\n');
  const wrong = spawnSync('systemd-analyze', ['verify', '--man=no', 'ringway-wrong.service'], { env: environment, cwd: folder });
  t.equal(wrong.status, 1, 'and it would say so');
});

t.test('a unit of ours can do next to nothing', { skip: ANALYZE_SKIP, timeout: 30_000 }, async (t) => {
  const { folder, environment } = installed(t);
  for (const unit of OURS.filter((name) => name.startsWith('ringway-'))) {
    const words = ['security', '--no-pager', '--offline=true', '--threshold=20', join(folder, unit)];
    const { status, stdout } = spawnSync('systemd-analyze', words, { env: environment, encoding: 'utf8' });
    t.equal(status, 0, `${unit}: ${stdout.trim().split('\n').at(-1)}`);
  }
});

t.test('a sidecar that crashes is restarted, however often', async (t) => {
  t.strictSame(Object.fromEntries(settings('ringway-.service.d/restart.conf')), {
    StartLimitIntervalSec: '0',
    Restart: 'always',
    RestartSec: '1',
  });
});

t.test('the hardening is there', async (t) => {
  const hardening = new Map(settings('ringway-.service.d/hardening.conf'));
  for (const name of ['NoNewPrivileges', 'DynamicUser', 'ProtectHome', 'PrivateDevices', 'PrivateTmp'])
    t.equal(hardening.get(name), 'yes', name);
  t.equal(hardening.get('ProtectSystem'), 'strict');
  t.equal(hardening.get('CapabilityBoundingSet'), '');
  t.equal(hardening.get('SystemCallErrorNumber'), 'EPERM', 'a system call that is not allowed ends nobody');
  t.notOk(hardening.has('MemoryDenyWriteExecute'), 'Node compiles as it runs');
});

t.test('sidecars start before Tempo’s processes and stop after them', async (t) => {
  const all = (file: string, key: string): string[] =>
    settings(file)
      .filter(([name]) => name === key)
      .flatMap(([, value]) => value.split(' '));
  for (const [process, sidecars] of [
    ['tempo-live-store.service', ['ringway-inbound.service']],
    ['tempo-querier.service', ['ringway-egress.service', 'querier-redirect.service']],
  ] as const) {
    const dropIn = `${process}.d/ringway.conf`;
    t.strictSame(all(dropIn, 'After'), sidecars);
    t.strictSame(all(dropIn, 'Wants'), sidecars);
    for (const key of ['Requires', 'BindsTo']) t.strictSame(all(dropIn, key), [], 'a sidecar that crashes takes nobody with it');
    for (const sidecar of sidecars) t.strictSame(all(sidecar, 'PartOf'), [process]);
  }
  for (const unit of ['ringway-inbound.service', 'ringway-egress.service']) {
    const [, probe = ''] = /--probe=(\S+)/.exec(readFileSync(`deploy/systemd/${unit}`, 'utf8')) ?? [];
    t.match(all(unit, 'ExecStartPost').join(' '), `http://${probe}/ready`, `${unit} counts as started when it is ready`);
  }
});

t.test('variables come from the environment files, credentials from where the accounts are written', async (t) => {
  for (const unit of OURS) {
    const text = readFileSync(`deploy/systemd/${unit}`, 'utf8');
    const [, environment] = /^EnvironmentFile=\/etc\/ringway\/(\S+)$/m.exec(text) ?? [];
    const known = environment === undefined ? [] : settings(environment).map(([name]) => name);
    for (const [, name = ''] of text.matchAll(/\$\{(\w+)\}/g)) t.ok(known.includes(name), `${unit}: ${name}`);
    const credentials = settings(unit).filter(([key]) => key === 'LoadCredential');
    for (const [, value] of credentials) t.match(value, /^(\w+\.nk):\/etc\/ringway\/nats\/\1$/);
    const loaded = credentials.map(([, value]) => value.split(':')[0]);
    for (const [, name] of text.matchAll(/%d\/(\S+)/g)) t.ok(loaded.includes(name), `${unit}: ${name}`);
  }
});

/** The units as installed, with programs that this machine has. */
function installed(t: Test): { readonly folder: string; readonly environment: NodeJS.ProcessEnv } {
  const folder = t.testdir();
  cpSync('deploy/systemd', folder, { recursive: true });
  for (const unit of OURS) {
    const text = readFileSync(join(folder, unit), 'utf8');
    writeFileSync(
      join(folder, unit),
      text.replace(/^(Exec\w+=)(\S+)/gm, (_, key: string, path: string) => key + (existsSync(path) ? path : '/bin/true')),
    );
  }
  for (const name of ['tempo-live-store', 'tempo-querier'])
    writeFileSync(join(folder, `${name}.service`), '[Service]\nExecStart=/bin/true\n');
  return { folder, environment: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:/lib/systemd/system:/usr/lib/systemd/system` } };
}
