import t from 'tap';
import { runCommand } from '../../src/cli/command.ts';
import { controlCommand } from '../../src/cli/control.ts';
import { memoryIo } from '../support/memory-io.ts';
import { freePorts } from '../support/ports.ts';

const QUIET = ['--log-level', 'silent'];

/** What a command line is answered with that does not start anything: its exit code and its one line. */
async function refused(...args: string[]): Promise<[number, string]> {
  const io = memoryIo();
  const code = await runCommand(controlCommand, args, io);
  return [code, io.written.stderr];
}

t.test('without a file: serves, says where, and exits 0 when told to stop', async (t) => {
  const [xds, admin, probe, tempo] = await freePorts(4);
  const io = memoryIo();
  const addresses = ['--xds', `127.0.0.1:${xds}`, '--admin', `127.0.0.1:${admin}`, '--probe', `:${probe}`];
  const ended = runCommand(controlCommand, ['--tempo', `http://127.0.0.1:${tempo}`, ...addresses, ...QUIET], io);
  while (io.written.stderr === '') await new Promise((resolve) => setImmediate(resolve));
  t.match(
    io.written.stderr,
    new RegExp(`^ringway control: xDS on 127.0.0.1:${xds}, pages on http://127.0.0.1:${admin}/, probes on .*:${probe}\n$`),
  );
  const { rings } = (await (await fetch(`http://127.0.0.1:${admin}/api/rings`)).json()) as { rings: { ring: string }[] };
  t.same(
    rings.map(({ ring }) => ring),
    ['live-store'],
  );
  io.stop();
  t.equal(await ended, 0);
});

t.test('a port in use is one line and exit 1', async (t) => {
  const [xds, admin, tempo] = await freePorts(3);
  const io = memoryIo();
  const args = ['--tempo', `http://127.0.0.1:${tempo}`, '--xds', `127.0.0.1:${xds}`, ...QUIET];
  const ended = runCommand(controlCommand, [...args, '--admin', `127.0.0.1:${admin}`], io);
  while (io.written.stderr === '') await new Promise((resolve) => setImmediate(resolve));
  t.same(await refused(...args, '--admin', '127.0.0.1:0'), [
    1,
    `ringway control: xds: cannot listen on 127.0.0.1:${xds}: the port is in use\n`,
  ]);
  io.stop();
  await ended;
});

t.test('an address not of this machine is one line and exit 1', async (t) => {
  // 192.0.2.0/24 is nobody's: RFC 5737
  const args = ['--tempo', 'http://127.0.0.1:9', '--xds', '192.0.2.1:18000', '--insecure', '--admin', '127.0.0.1:0', ...QUIET];
  const [code, line] = await refused(...args);
  t.equal(code, 1);
  t.equal(line, 'ringway control: xds: cannot listen on 192.0.2.1:18000: this machine has no such address\n');
});

t.test('bad usage and configuration are one line and exit 64', async (t) => {
  const hint = '(see: ringway control --help)\n';
  const tempo = ['--tempo', 'http://querier:3200'];
  t.same(await refused(), [64, `ringway control: give either --config FILE, or --tempo URL or --source URI ${hint}`]);
  t.same(await refused('-c', 'x', '--xds', ':1'), [
    64,
    `ringway control: --xds goes with --tempo and --source; with --config it stands in the file ${hint}`,
  ]);
  t.same(await refused(...tempo, '--probe', '9903'), [64, `ringway control: --probe: "9903" is not host:port or :port ${hint}`]);
  t.same(await refused(...tempo, '--log-level', 'loud'), [
    64,
    `ringway control: --log-level: "loud" is no level; allowed: debug, info, warn, error, silent ${hint}`,
  ]);
  const empty = `${t.testdir({ 'ringway.yaml': '' })}/ringway.yaml`;
  t.same(await refused('-c', empty), [64, 'ringway control: there is no ring to read: rings is empty in the file\n']);
  const [code, line] = await refused(...tempo, '--xds', '0.0.0.0:18000');
  t.equal(code, 64);
  t.match(line, /^ringway control: .*"0\.0\.0\.0:18000" is open to other machines and has no TLS, allowed: .*insecure: true.*\n$/);
});
