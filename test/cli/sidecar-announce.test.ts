import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { bootstrapCommand } from '../../src/cli/bootstrap.ts';
import { type Command, runCommand } from '../../src/cli/command.ts';
import { sidecarCommand } from '../../src/cli/sidecar.ts';
import { memoryIo } from '../support/memory-io.ts';

const INBOUND = ['inbound', '--listen', ':9096', '--member', 'live-store-zone-a-0'];
const NATS = ['--nats', 'nats://127.0.0.1:4222'];

async function run(
  command: Command,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; out: string; err: string }> {
  const io = memoryIo(env);
  const code = await runCommand(command, args, io);
  return { code, out: io.written.stdout, err: io.written.stderr };
}

t.test('wrong values are one line that names the flag, and exit 64, of sidecar and of bootstrap', async (t) => {
  const cases: readonly (readonly [args: readonly string[], text: string])[] = [
    [['--nats', 'localhost:4222'], '--nats: "localhost:4222" is not nats://host:port or tls://host:port, without credentials'],
    [['--nats-creds', 'a.creds'], '--nats-creds goes with --nats'],
    [[...NATS, '--nats-creds', 'a', '--nats-nkey', 'b'], '--nats-creds and --nats-nkey are two ways to log in; one is allowed'],
    [[...NATS, '--nats-user', 'u'], '--nats-user needs --nats-password-file'],
    [[...NATS, '--nats-key', 'k'], '--nats-key needs --nats-cert'],
    [[...NATS, '--nats-bucket', 'a.b'], '--nats-bucket: "a.b" is not a bucket'],
    [[...NATS, '--advertise', '[::]:9096'], '--advertise: address "[::]:9096" is the unspecified address'],
    [[...NATS, '--partition', '-1'], 'needs a value'],
    [[...NATS, '--partition=-1'], '--partition: "-1" is not a whole number from 0 to 2147483647, nor none'],
    [[...NATS, '--health-tenant', ''], '--health-tenant: "" is not a tenant'],
  ];
  for (const command of [sidecarCommand, bootstrapCommand])
    for (const [args, text] of cases) {
      const { code, err } = await run(command, [...INBOUND, ...args]);
      t.equal(code, 64, args.join(' '));
      t.ok(err.includes(text), `${err} has ${text}`);
      t.equal(err.trimEnd().split('\n').length, 1);
    }
  t.match(await run(sidecarCommand, ['egress', '--listen', ':9096', '--control', 'c:1', ...NATS]), {
    code: 64,
    err: '--nats is not a flag of egress',
  });
});

t.test('what cannot be announced is refused at the start', async (t) => {
  const start = (args: readonly string[], env = {}): Promise<{ code: number; err: string }> =>
    run(sidecarCommand, ['inbound', ...NATS, '--log-level', 'off', ...args], env);
  t.match(await start(['--listen', '127.0.0.1:0', '--member', 'a-0']), {
    code: 64,
    err: /cannot announce what listener 'inbound' listens on: address "127\.0\.0\.1:1" is a loopback address/,
  });
  t.match(await start(['--listen', ':9096', '--member', 'a-0'], { POD_IP: '127.0.0.1' }), { code: 64, err: /cannot announce \$POD_IP/ });
  t.match(await start(['--listen', ':9096', '--member', 'a', '--advertise', '10.0.0.7:1']), {
    code: 64,
    err: /member "a" does not end in a dash and a number, its partition; give --partition N or none/,
  });
});

t.test('a printed bootstrap keeps the flags; what only the machine knows is left to the start', async (t) => {
  const dir = t.testdir();
  const file = join(dir, 'envoy.yaml');
  const words = ['inbound', '--listen', ':9096', ...NATS, '--nats-token-file', '/run/token', '--out', file];
  t.match(await run(bootstrapCommand, words, { POD_IP: '10.9.9.9', POD_NAME: 'x-0' }), { code: 0, err: '' });
  const validate = ['-c', file, '--mode', 'validate'];
  t.match(await run(sidecarCommand, [...validate, '--service-node', 'a-0'], { POD_IP: '10.0.0.7' }), { code: 0 });
  t.match(await run(sidecarCommand, [...validate, '--service-node', 'a'], { POD_IP: '10.0.0.7' }), {
    code: 1,
    err: `error initializing configuration '${file}': member "a" does not end in a dash and a number`,
  });
  t.match(await run(sidecarCommand, [...validate, '--service-node', 'a-0'], { POD_IP: '0.0.0.0' }), {
    code: 1,
    err: `error initializing configuration '${file}': cannot announce $POD_IP: address "0.0.0.0:9096" is the unspecified address`,
  });
  t.match(await run(sidecarCommand, validate), {
    code: 1,
    err: 'node.id is needed to announce a member; --service-node or --member says it',
  });
  const own = Object.values(networkInterfaces()).flat();
  const hasAddress = own.some((entry) => entry?.family === 'IPv4' && !entry.internal && !entry.address.startsWith('169.254.'));
  t.match(
    await run(sidecarCommand, [...validate, '--service-node', 'a-0']),
    { code: hasAddress ? 0 : 1 },
    'else an address of this machine',
  );
});

t.test('help has every flag', async (t) => {
  for (const command of [sidecarCommand, bootstrapCommand]) {
    const { out } = await run(command, ['--help']);
    for (const flag of ['nats', 'nats-creds', 'nats-nkey', 'nats-user', 'nats-password-file', 'nats-token-file', 'nats-ca', 'nats-cert'])
      t.match(out, `--${flag} `);
    for (const flag of ['nats-key', 'nats-bucket', 'advertise', 'partition', 'health-tenant']) t.match(out, `--${flag} `);
    t.notMatch(
      out.split('\n').find((line) => line.length > 140),
      /./,
      'no line is too long',
    );
  }
});
