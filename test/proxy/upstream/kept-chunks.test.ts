import t from 'tap';
import { SLAB_SIZE } from '../../../src/http2/index.ts';
import { type KeptChunk, keepChunk, releaseChunk } from '../../../src/proxy/upstream/kept-chunks.ts';

const SIZE = SLAB_SIZE / 4;
/** A chunk that is like no other. */
const pattern = (mark: number, size = SIZE): Buffer => Buffer.alloc(size, Buffer.from([mark, mark >> 8, 0xa5, mark ^ 0x5a]));

t.test('memory is used again only when nobody has a chunk of it', async (t) => {
  const kept = new Map<number, KeptChunk>();
  const keep = (mark: number): void => void kept.set(mark, keepChunk(pattern(mark)));
  const release = (mark: number): void => {
    releaseChunk(kept.get(mark) as KeptChunk);
    kept.delete(mark);
  };
  const assertWhole = (when: string): void => {
    for (const [mark, { octets }] of kept) t.ok(octets.equals(pattern(mark)), `${mark} ${when}`);
  };
  for (let mark = 0; mark < 20; mark += 1) keep(mark);
  const first = kept.get(0)?.octets.buffer;
  for (let mark = 0; mark < 20; mark += 1) if (mark % 4 !== 3) release(mark);
  for (let mark = 100; mark < 120; mark += 1) keep(mark);
  assertWhole('beside later ones');
  for (const mark of [...kept.keys()]) release(mark);
  const again: KeptChunk[] = [];
  for (let mark = 0; mark < 60; mark += 1) again.push(keepChunk(pattern(mark)));
  t.ok(
    again.some(({ octets }) => octets.buffer === first),
    'the memory of before',
  );
  for (const [mark, { octets }] of again.entries()) t.ok(octets.equals(pattern(mark)), `${mark} again`);
  for (const chunk of again) releaseChunk(chunk);
});

t.test('a chunk alone fills the same memory again and again', async (t) => {
  const once = keepChunk(pattern(1, 100));
  const { buffer, byteOffset } = once.octets;
  releaseChunk(once);
  const twice = keepChunk(pattern(2, 100));
  t.equal(twice.octets.buffer, buffer);
  t.ok(twice.octets.byteOffset <= byteOffset);
  releaseChunk(twice);
});

t.test('what is larger has a buffer of its own', async (t) => {
  const large = keepChunk(pattern(3, SIZE + 1));
  t.equal(large.slab, undefined);
  t.ok(large.octets.equals(pattern(3, SIZE + 1)));
  releaseChunk(large);
});
