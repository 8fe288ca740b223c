import t from 'tap';
import { type Command, UsageError } from '../../src/cli/command.ts';
import { parseDurationMs, parseFlags, parseInteger } from '../../src/cli/flags.ts';
import { type CommandEntry, runProgram } from '../../src/cli/program.ts';
import { RingwayError } from '../../src/core/index.ts';
import { memoryIo } from '../support/memory-io.ts';

function entry(name: string, summary: string, run: Command['run'], more: Partial<Command> = {}): CommandEntry {
  return { name, summary, load: () => Promise.resolve({ name, help: () => `usage: ringway ${name}\n`, run, ...more }) };
}

const commands: readonly CommandEntry[] = [
  entry('control', 'serve xDS', () => Promise.resolve(0)),
  entry('sidecar', 'forward', () => Promise.reject(new RingwayError('bad file\n  line 3', { code: 'CONFIG_INVALID' })), {
    exitCodeOf: () => 1,
  }),
  entry('ring', 'look', () => Promise.reject(new RingwayError('line 3: "x" is not a port', { code: 'BAD_ADDRESS' }))),
  entry('up', 'all', () => Promise.reject(new RingwayError('port 1 is in use', { code: 'EADDRINUSE' }))),
  entry('call', 'call', () => Promise.reject(new UsageError('no method given'))),
  entry('bootstrap', 'print', () => Promise.reject(new TypeError('x is undefined'))),
  entry('demo', '', () => Promise.resolve(3)),
];
const run = async (...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
  const io = memoryIo();
  const code = await runProgram(words, io, { commands, version: '1.2.3' });
  return { code, ...io.written };
};

t.test('help, version and the list of commands', async (t) => {
  const none = await run();
  t.equal(none.code, 64);
  t.match(none.stderr, /usage: ringway <command>/);
  for (const words of [['--help'], ['-h'], ['help']]) {
    const help = await run(...words);
    t.equal(help.code, 0);
    t.match(help.stdout, / {2}sidecar {4}forward\n/);
    t.notMatch(help.stdout, /demo/);
  }
  for (const word of ['--version', '-V', 'version']) t.same(await run(word), { code: 0, stdout: 'ringway 1.2.3\n', stderr: '' });
  const control = { code: 0, stdout: 'usage: ringway control\n', stderr: '' };
  t.same(await run('control', '--help'), control);
  t.same(await run('control', '-x', '-h'), control);
  t.same(await run('help', 'control'), control);
  t.same(await run('control', '--', '--help'), { code: 0, stdout: '', stderr: '' });
});

t.test('an unknown command names the nearest one and exits with 64', async (t) => {
  const near = await run('sidcar');
  t.equal(near.code, 64);
  t.equal(near.stderr, 'ringway: no command "sidcar"; did you mean sidecar? (commands: control, sidecar, ring, up, call, bootstrap)\n');
  t.notMatch((await run('frobnicate')).stderr, /did you mean/);
  t.equal((await run('demo')).code, 3);
});

t.test('errors are one line, and the exit code says whose fault it was', async (t) => {
  t.same(await run('ring'), { code: 64, stdout: '', stderr: 'ringway ring: line 3: "x" is not a port\n' });
  t.same(await run('sidecar'), { code: 1, stdout: '', stderr: 'ringway sidecar: bad file; line 3\n' });
  t.same(await run('up'), { code: 1, stdout: '', stderr: 'ringway up: port 1 is in use\n' });
  t.same(await run('call'), { code: 64, stdout: '', stderr: 'ringway call: no method given (see: ringway call --help)\n' });
  t.same(await run('bootstrap'), {
    code: 1,
    stdout: '',
    stderr: 'ringway bootstrap: x is undefined (a bug; RINGWAY_DEBUG=1 shows where)\n',
  });
  const io = memoryIo({ RINGWAY_DEBUG: '1' });
  t.equal(await runProgram(['bootstrap'], io, { commands, version: '1' }), 1);
  t.match(io.written.stderr, /program\.test\.ts:\d+/);
});

t.test('flags: what is wrong, and what is allowed', async (t) => {
  const flags = { listen: { type: 'string', short: 'l' }, quiet: { type: 'boolean' } } as const;
  t.same({ ...parseFlags(['--listen', ':1', 'x'], flags).values }, { listen: ':1' });
  const message = (args: string[]): string => {
    try {
      parseFlags(args, flags);
      return '';
    } catch (error) {
      t.ok(error instanceof UsageError);
      return (error as Error).message;
    }
  };
  t.equal(message(['--lisen', ':1']), 'unknown option --lisen; did you mean --listen?');
  t.equal(message(['--what']), 'unknown option --what; allowed: --listen, --quiet');
  t.equal(message(['--listen']), '--listen needs a value');
  t.equal(message(['-l']), '--listen needs a value');
  t.equal(message(['--quiet=yes']), '--quiet takes no value');
  t.equal(parseInteger('--n', '12', { min: 0, max: 12 }), 12);
  t.throws(() => parseInteger('--n', '13', { min: 0, max: 12 }), { message: '--n: "13" is not a whole number from 0 to 12' });
  t.throws(() => parseInteger('--n', 'x', { min: 0, max: 12 }), { message: /"x"/ });
  t.equal(parseDurationMs('--for', '250ms'), 250);
  t.equal(parseDurationMs('--for', '1.5'), 1500);
  t.equal(parseDurationMs('--for', '2m'), 120_000);
  t.throws(() => parseDurationMs('--for', 'soon'), { message: '--for: "soon" is not a duration such as 500ms, 10s or 2m' });
});
