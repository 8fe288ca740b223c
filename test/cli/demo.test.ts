import t from 'tap';
import { runCommand } from '../../src/cli/command.ts';
import { demoCommand } from '../../src/cli/demo.ts';
import { memoryIo } from '../support/memory-io.ts';

t.test('what is wrong is said in one line', async (t) => {
  const wrong = async (words: string[], message: string | RegExp, expected = 64): Promise<void> => {
    const io = memoryIo();
    t.equal(await runCommand(demoCommand, words, io), expected, words.join(' '));
    t.match(io.written.stderr, message);
    t.equal(io.written.stderr.split('\n').length, 2);
  };
  const store = ['live-store', '--id', 'a-0', '--partition', '0', '--partitions', '1', '--ring', 'http://127.0.0.1:1'];
  await wrong([], '"" is no sample process; allowed: distributor, live-store, querier');
  await wrong(['toString'], '"toString" is no sample process');
  await wrong(['distributor'], '--listen is needed');
  await wrong(['distributor', '--listen', 'x'], '"x" is not host:port');
  await wrong(['live-store', '--id', 'a'], '--partitions is needed');
  await wrong([...store, '--share', '2/2'], '--share: "2" is not a whole number from 0 to 1');
  await wrong([...store, '--partition', '1'], '--partition: "1" is not a whole number from 0 to 0');
  await wrong([...store, '--listen', '192.0.2.1:0'], /cannot listen on 192\.0\.2\.1:0/, 1);
});

t.test('a sample runs until it is told to stop', async (t) => {
  const io = memoryIo();
  const running = runCommand(demoCommand, ['distributor', '--listen', '127.0.0.1:0'], io);
  io.stop();
  t.equal(await running, 0);
  t.equal(io.written.stderr, 'sample distributor: started\n');
});
