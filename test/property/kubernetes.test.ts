import fc from 'fast-check';
import t from 'tap';
import { parseHostPort, seededRandom } from '../../src/core/index.ts';
import { LineSplitter } from '../../src/membership/sources/kubernetes/lines.ts';
import { membersOf } from '../../src/membership/sources/kubernetes/members.ts';
import { isOlder } from '../../src/membership/sources/kubernetes/resource-version.ts';
import { parseEvent, parsePage, Unusable } from '../../src/membership/sources/kubernetes/slice.ts';
import { SliceStore } from '../../src/membership/sources/kubernetes/store.ts';
import type { Member, SourceReport } from '../../src/membership/types.ts';
import { type KubernetesApi, line, refuse, startKubernetesApi } from '../support/kubernetes-api.ts';
import { type Following, followKubernetes } from '../support/kubernetes-follow.ts';
import { kubernetesOptions } from '../support/kubernetes-options.ts';
import { type EndpointObject, pod, type SliceObject, slice } from '../support/kubernetes-slices.ts';

const { RINGWAY_SEED } = process.env;
const seed = Number(RINGWAY_SEED ?? Math.floor(Math.random() * 2 ** 31));
t.comment(`seed ${seed} (RINGWAY_SEED)`);

const ASKED = { namespace: 'tempo', service: 'live-store' };
const MAPPING = { port: 9096, family: 'IPv4', partitionFromName: true } as const;

t.test('lines are the same however the bytes are cut', async (t) => {
  const texts = fc.string({ unit: fc.constantFrom('a', '{', '☃', '\n', '\n', '\r'), maxLength: 200 });
  fc.assert(
    fc.property(texts, fc.array(fc.nat(40)), (text, cuts) => {
      const bytes = Buffer.from(text);
      const splitter = new LineSplitter(1000);
      const found: string[] = [];
      let start = 0;
      for (const size of [...cuts, bytes.length]) {
        found.push(...splitter.push(bytes.subarray(start, start + size)));
        start += size;
      }
      const wanted = text.split('\n');
      const rest = wanted.pop() ?? '';
      const same = JSON.stringify(found) === JSON.stringify(wanted.filter((one) => one !== ''));
      return same && splitter.pending === Buffer.byteLength(rest);
    }),
    { seed, numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.array(fc.nat(30), { minLength: 1 }), fc.integer({ min: 1, max: 30 }), (sizes, max) => {
      const splitter = new LineSplitter(max);
      const total = sizes.reduce((sum, size) => sum + size, 0);
      return sizes.some((size) => splitter.push(Buffer.alloc(size, 'x')) === 'too long') === total > max;
    }),
    { seed },
  );
  t.pass();
});

t.test('versions are compared as the numbers they are', async (t) => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 1n, max: 2n ** 100n }),
      fc.bigInt({ min: 1n, max: 2n ** 100n }),
      (a, b) => isOlder(`${a}`, `${b}`) === a < b,
    ),
    { seed },
  );
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => !(isOlder(a, b) && isOlder(b, a)) && !isOlder(`x${a}`, b) && !isOlder(a, `-${b}`)),
    { seed },
  );
  t.pass();
});

const names = fc.constantFrom('a-0', 'a-1', 'b-0', 'b-1', 'c', '__proto__');
const flags = fc.constantFrom(undefined, true, false);
const endpoints: fc.Arbitrary<EndpointObject> = fc
  .record({
    name: names,
    host: fc.nat(9),
    uid: fc.constantFrom('u', 'v'),
    zone: fc.constantFrom('', 'z-1', 'z-2'),
    serving: flags,
    terminating: flags,
  })
  .map(({ name, host, uid, zone, serving, terminating }) =>
    pod(name, `10.0.0.${host}`, {
      targetRef: { kind: 'Pod', name, uid },
      zone,
      conditions: { ready: true, ...(serving === undefined ? {} : { serving }), ...(terminating === undefined ? {} : { terminating }) },
    }),
  );
/** The same, told in the way of a family. */
function ofFamily(address: string, family: string): string {
  if (family === 'IPv6') return `fd00::${address.at(-1)}`;
  return family === 'FQDN' ? `stores-${address.at(-1)}.example` : address;
}

const slices: fc.Arbitrary<SliceObject> = fc
  .record({
    name: fc.constantFrom('s-0', 's-1', 's-2', 's-3'),
    family: fc.constantFrom('IPv4', 'IPv6', 'FQDN'),
    found: fc.array(endpoints, { maxLength: 4 }),
    version: fc.integer({ min: 1, max: 50 }),
  })
  .map(({ name, family, found, version }) => {
    const own = found.map((one) => ({ ...one, addresses: one.addresses.map((address) => ofFamily(address, family)) }));
    const made = slice(name, own, { addressType: family });
    return { ...made, metadata: { ...made.metadata, resourceVersion: String(version) } };
  });
const asList = (items: readonly unknown[]): string =>
  JSON.stringify({ kind: 'EndpointSliceList', metadata: { resourceVersion: '60' }, items });

function storeOf(items: readonly SliceObject[]): SliceStore {
  const store = new SliceStore('60');
  for (const one of parsePage(asList(items), ASKED).slices) store.add(one);
  return store;
}

t.test('members do not depend on the order of slices and endpoints, and are one for each name', async (t) => {
  const sets = fc.uniqueArray(slices, { selector: ({ metadata }) => metadata.name });
  fc.assert(
    fc.property(sets, (set) => {
      const { members } = membersOf(storeOf(set).slices, MAPPING);
      const turned = set.toReversed().map((one) => ({ ...one, endpoints: one.endpoints?.toReversed() ?? [] }));
      t.strictSame(
        new Set(members.map(({ id }) => id)),
        new Set(set.flatMap((one) => one.endpoints?.map(({ targetRef }) => targetRef?.name) ?? [])),
      );
      t.strictSame(
        members,
        members.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      );
      const addresses = (found: readonly Member[]) => found.map(({ id, address }) => `${id} ${address}`);
      t.strictSame(addresses(membersOf(storeOf(turned).slices, MAPPING).members), addresses(members));
    }),
    { seed, numRuns: 100 },
  );
});

/** A JSON value with one thing in it replaced, removed or cut. */
const mutated = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      texts,
      fc.nat(),
      fc.nat(),
      fc.oneof(
        fc.jsonValue().map((value) => JSON.stringify(value)),
        fc.string({ maxLength: 3 }),
      ),
    )
    .map(([text, from, length, instead]) => {
      const start = from % (text.length + 1);
      return text.slice(0, start) + instead + text.slice(start + (length % 20));
    });

/** JSON of the right shape with odd values at any place. */
function odd(value: unknown, random: () => number): unknown {
  if (random() < 0.04) return [null, 0, -1, '', 'x'.repeat(300), true, [], {}, [null], 1e99][Math.floor(random() * 10)];
  if (Array.isArray(value)) return value.map((item) => odd(item, random));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, odd(item, random)]));
}

t.test('whatever comes, it is slices or one line that says why not', async (t) => {
  const check = (read: () => unknown): void => {
    try {
      read();
    } catch (error) {
      if (!(error instanceof Unusable) || /[\n\r]/.test(error.message) || error.message.length > 500) throw error;
    }
  };
  const pages = fc.array(slices, { maxLength: 3 });
  const oddPages = fc.tuple(pages, fc.nat()).map(([items, at]) => JSON.stringify(odd(JSON.parse(asList(items)), seededRandom(at))));
  const readPage = (json: string): void => {
    const store = new SliceStore('1');
    for (const one of parsePage(json, ASKED).slices) store.add(one);
    const { members, problems } = membersOf(store.slices, { ...MAPPING, port: 'http-metrics' });
    const isGood = ({ id, address }: Member): boolean => id !== '' && parseHostPort(address).port > 0;
    if (!members.every(isGood) || problems.some((problem) => problem.length > 1000)) throw new Error(JSON.stringify(members));
  };
  fc.assert(
    fc.property(fc.oneof(mutated(pages.map(asList)), oddPages), (json) => check(() => readPage(json))),
    { seed, numRuns: 2000 },
  );

  const kinds = fc.constantFrom('ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR', 'X');
  const lines = fc.tuple(kinds, slices).map(([kind, one]) => line(kind, one));
  const oddLines = fc.tuple(lines, fc.nat()).map(([json, at]) => JSON.stringify(odd(JSON.parse(json), seededRandom(at))));
  const readLine = (json: string): void => {
    const event = parseEvent(json, ASKED);
    if (event.kind !== 'error') new SliceStore('10').apply(event);
  };
  fc.assert(
    fc.property(fc.oneof(mutated(lines), oddLines, fc.string(), fc.json()), (json) => check(() => readLine(json))),
    { seed, numRuns: 2000 },
  );
  t.pass();
});

interface Scene {
  readonly api: KubernetesApi;
  readonly following: Following;
}

/** Something that happens to a server and its slices. */
type Step =
  | { readonly kind: 'put'; readonly slice: SliceObject }
  | { readonly kind: 'delete' | 'give away'; readonly name: string }
  | { readonly kind: 'fail'; readonly times: number; readonly how: number }
  | { readonly kind: 'wait'; readonly turns: number }
  | { readonly kind: 'chunk'; readonly seed: number }
  | { readonly kind: 'page'; readonly size: number }
  | { readonly kind: 'reload' }
  | { readonly kind: Outside };

/** What no client of the server does. */
type Outside = 'bookmark' | 'end' | 'reset' | 'cut' | 'compact' | 'garbage';

const sliceNames = fc.constantFrom('s-0', 's-1', 's-2', 's-3');
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: slices.map((one): Step => ({ kind: 'put', slice: one })) },
  { weight: 2, arbitrary: sliceNames.map((name): Step => ({ kind: 'delete', name })) },
  { weight: 1, arbitrary: sliceNames.map((name): Step => ({ kind: 'give away', name })) },
  { weight: 5, arbitrary: fc.nat(40).map((turns): Step => ({ kind: 'wait', turns })) },
  { weight: 2, arbitrary: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.nat(4)).map(([times, how]): Step => ({ kind: 'fail', times, how })) },
  { weight: 1, arbitrary: fc.nat().map((at): Step => ({ kind: 'chunk', seed: at })) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }).map((size): Step => ({ kind: 'page', size })) },
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(
        'bookmark' as const,
        'end' as const,
        'reset' as const,
        'cut' as const,
        'compact' as const,
        'garbage' as const,
        'reload' as const,
      )
      .map((kind): Step => ({ kind })),
  },
);

const FAULTS: readonly NonNullable<KubernetesApi['fault']>[] = [
  (_, response) => refuse(response, 500, 'InternalError', 'etcdserver: request timed out'),
  (_, response) => refuse(response, 410, 'Expired', 'too old'),
  (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
  (_, response) => response.destroy(),
  (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).write('{"kind":', () => response.destroy()),
];

function failFor(api: KubernetesApi, times: number, how: number): void {
  let left = times;
  api.fault = (request, response) => {
    left -= 1;
    if (left <= 0) api.fault = null;
    FAULTS[how]?.(request, response);
  };
}

const OUTSIDE: Readonly<Record<Outside, (api: KubernetesApi) => void>> = {
  bookmark: (api) => api.bookmark(),
  end: (api) => api.endWatches(),
  reset: (api) => api.drop(),
  cut: (api) => api.drop('{"type":"MODIFIED","object":{"kind":'),
  compact: (api) => api.compact(),
  garbage: (api) => api.write('<html>\n'),
};

function happen({ api, following }: Scene, step: Exclude<Step, { kind: 'wait' }>): void {
  if (step.kind === 'put') api.put(step.slice);
  else if (step.kind === 'delete') api.delete(step.name);
  else if (step.kind === 'give away') api.put(slice(step.name, [pod('other-0', '10.9.9.9')], { service: 'querier' }));
  else if (step.kind === 'fail') failFor(api, step.times, step.how);
  else if (step.kind === 'chunk') api.chunking = step.seed % 2 === 0 ? null : seededRandom(step.seed);
  else if (step.kind === 'page') api.maxPage = step.size;
  else if (step.kind === 'reload') following.source.reload?.();
  else OUTSIDE[step.kind](api);
}

/** What a reader of the server's slices would say. */
function wantedOf(api: KubernetesApi): readonly Member[] {
  const own = api.slices.filter(({ metadata }) => metadata.labels['kubernetes.io/service-name'] === 'live-store');
  return membersOf(storeOf(own).slices, MAPPING).members;
}

t.test('after anything that may happen to a server, the last report is what the server has', async (t) => {
  t.setTimeout(120_000);
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 30 }), async (happening) => {
      const undo: (() => unknown)[] = [];
      const scope = { teardown: (fn: () => unknown) => undo.push(fn) };
      const api = await startKubernetesApi(scope);
      const following = followKubernetes(scope, kubernetesOptions(api.url));
      let last: SourceReport | null = null;
      const reading = following.each((report) => {
        last = report;
      });
      for (const step of happening) {
        if (step.kind === 'wait') await following.turns(step.turns);
        else happen({ api, following }, step);
      }
      api.fault = null;
      const wanted = JSON.stringify(wantedOf(api));
      const isSo = (): boolean => last?.kind === 'members' && JSON.stringify(last.members) === wanted;
      for (let patience = 1000; !isSo() && patience > 0; patience -= 1) await following.turns(20);
      const [wasSo, found]: [boolean, unknown] = [isSo(), last];
      for (const stop of undo.reverse()) await stop();
      await reading;
      if (!wasSo) throw new Error(`wanted ${wanted}, found ${JSON.stringify(found)}`);
    }),
    { seed, numRuns: 150, endOnFailure: true },
  );
  t.pass();
});
