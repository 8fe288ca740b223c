import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import t from 'tap';
import { collectReadGarbage, leaveBehind, readChunks } from '../../src/transport/index.ts';

const MIB = 1 << 20;

t.test('what was read is collected each 8 MiB', async (t) => {
  let collected = 0;
  collectReadGarbage(() => {
    collected += 1;
  });
  t.teardown(() => collectReadGarbage(() => {}));
  leaveBehind(Buffer.alloc(8 * MIB - 1));
  t.equal(collected, 0);
  leaveBehind(Buffer.alloc(1));
  t.equal(collected, 1);
  leaveBehind(Buffer.alloc(7 * MIB));
  t.equal(collected, 1, 'counted anew');
  const stream = new PassThrough();
  readChunks(stream, () => t.equal(collected, 1, 'not before whoever reads is done'));
  stream.end(Buffer.alloc(MIB));
  await once(stream, 'end');
  t.equal(collected, 2, 'what a stream reads counts');
});
