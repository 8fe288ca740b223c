// What leaves on a socket: slabs are gathered into one write, and used again only when nobody reads them any more.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { UNLIMITED } from '../../src/http2/buffer-budget.ts';
import { Output } from '../../src/http2/output.ts';
import { borrowSlab, releaseSlab, SLAB_SIZE } from '../../src/http2/slab-pool.ts';

/** Both ends of a connection; the far one is paused. */
async function pair(t: Test): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [far] = (await once(server, 'connection')) as [Socket];
  t.teardown(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return { near, far };
}

/** `size` octets of one value as a frame. */
function add(out: Output, size: number, value: number): void {
  const at = out.reserve(size);
  out.slab.fill(value, at, at + size);
  out.advance(at + size);
}

async function read(far: Socket, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let left = length;
  far.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    left -= chunk.length;
    if (left <= 0) far.emit('whole');
  });
  far.resume();
  await once(far, 'whole');
  return Buffer.concat(chunks);
}

t.test('full slabs leave in one write, at the latest when eight are full', async (t) => {
  const { near, far } = await pair(t);
  const out = new Output(near, UNLIMITED);
  for (let value = 0; value < 7; value += 1) add(out, SLAB_SIZE, value);
  add(out, 100, 7);
  t.equal(out.written, 0, 'seven are full, the eighth is begun');
  out.flush();
  t.equal(out.written, 7 * SLAB_SIZE + 100);
  for (let value = 8; value < 17; value += 1) add(out, SLAB_SIZE, value);
  t.equal(out.written, 15 * SLAB_SIZE + 100, 'eight more, the ninth waits');
  out.flush();
  const bytes = await read(far, 16 * SLAB_SIZE + 100);
  t.same([...new Set(bytes)], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
});

t.test('a slab that is full but not written yet is not used again when the socket has drained', async (t) => {
  const { near, far } = await pair(t);
  const out = new Output(near, UNLIMITED);
  let sent = 0;
  while (near.writableLength === 0) {
    add(out, SLAB_SIZE, 1);
    out.flush();
    sent += SLAB_SIZE;
  }
  for (let value = 2; value < 5; value += 1) add(out, SLAB_SIZE, value);
  const total = sent + 3 * SLAB_SIZE;
  const whole = read(far, total);
  await once(near, 'drain');
  out.reclaim();
  const others = Array.from({ length: 64 }, () => borrowSlab());
  for (const slab of others) slab.fill(0xff);
  out.flush();
  for (const slab of others) releaseSlab(slab);
  const bytes = await whole;
  t.same([bytes[sent], bytes[sent + SLAB_SIZE], bytes[total - 1]], [2, 3, 4]);
  t.notOk(bytes.includes(0xff));
});
