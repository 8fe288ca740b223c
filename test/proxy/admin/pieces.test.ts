import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { allAtOnce, sortInSteps, type TimeSlices } from '../../../src/core/index.ts';
import { adminPages, createAdminServer } from '../../../src/proxy/admin/index.ts';
import { jsonInPieces } from '../../../src/proxy/admin/json-pieces.ts';
import { clusterScope } from '../../../src/telemetry/index.ts';
import { fakeAdminSource } from '../../support/fake-admin-source.ts';
import { unsliced } from '../../support/unsliced.ts';

const seed = Number(process.env['RINGWAY_SEED'] ?? Date.now() % 1_000_000_007);
t.comment(`seed ${seed} (RINGWAY_SEED repeats it)`);

t.test('JSON in pieces is what JSON.stringify writes', async () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      assert.equal([...jsonInPieces(value).body].join(''), `${JSON.stringify(value, undefined, 1)}\n`);
    }),
    { seed },
  );
});

t.test('functions in it stand for what they make, when it is their turn', async (t) => {
  const made: string[] = [];
  const late = (name: string) => () => {
    made.push(name);
    return { name };
  };
  const body = jsonInPieces({ list: [late('a'), late('b')], nothing: undefined }).body as Iterable<string>;
  t.strictSame(made, []);
  let text = '';
  for (const piece of body) {
    text += piece;
    if (piece === '"a"') t.strictSame(made, ['a'], 'the next one is not made yet');
  }
  t.equal(text, `${JSON.stringify({ list: [{ name: 'a' }, { name: 'b' }] }, undefined, 1)}\n`);
});

t.test('sorting in steps is sorting', async () => {
  const item = fc.record({ key: fc.nat(20), at: fc.nat() });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 3_000, size: 'max' }), (items) => {
      const byKey = (a: { key: number }, b: { key: number }): number => a.key - b.key;
      assert.deepEqual(allAtOnce(sortInSteps(items, byKey)), items.toSorted(byKey));
    }),
    { seed, numRuns: 30 },
  );
});

t.test('long pages are made in many turns, and are the same', async (t) => {
  const { source, registry } = fakeAdminSource();
  for (let index = 0; index < 300; index += 1) clusterScope(registry, `c${index}`).counter('upstream_rq_total').inc(index);
  const paths = ['/stats', '/stats?format=json', '/stats/prometheus', '/clusters', '/clusters?format=json', '/config_dump?include_eds'];
  const slices = alwaysOver();
  const whole = await pagesOf(unsliced);
  const pieces = await pagesOf(slices);
  for (const path of paths) t.equal(pieces.get(path), whole.get(path), path);
  t.ok(slices.pauses > 1_000, `${slices.pauses} turns`);

  async function pagesOf(shared: TimeSlices): Promise<ReadonlyMap<string, string>> {
    const pages = adminPages({ ...source, slices: shared });
    const server = createAdminServer({ listen: { host: '127.0.0.1', port: 0 }, pages, slices: shared });
    await server.start();
    const read = async (path: string): Promise<[string, string]> => [path, await (await fetch(`http://${server.address}${path}`)).text()];
    const texts = new Map(await Promise.all(paths.map(read)));
    await server.stop();
    return texts;
  }
});

t.test('a page that fails on its way is cut off, and the next one is served', async (t) => {
  function* body(): Generator<string, void> {
    yield 'x'.repeat(20_000);
    throw new Error('no');
  }
  const pages = [
    { path: '/broken', method: 'GET' as const, summary: '', reply: () => ({ status: 200, contentType: 'text/plain', body: body() }) },
    { path: '/good', method: 'GET' as const, summary: '', reply: () => ({ status: 200, contentType: 'text/plain', body: 'good' }) },
  ];
  const server = createAdminServer({ listen: { host: '127.0.0.1', port: 0 }, pages, slices: unsliced });
  await server.start();
  t.teardown(() => server.stop());
  await t.rejects(fetch(`http://${server.address}/broken`).then((response) => response.text()));
  t.equal(await (await fetch(`http://${server.address}/good`)).text(), 'good');
});

function alwaysOver(): TimeSlices & { readonly pauses: number } {
  let pauses = 0;
  return {
    get pauses() {
      return pauses;
    },
    pause() {
      pauses += 1;
      return new Promise((resolve) => {
        setImmediate(resolve);
      });
    },
  };
}
