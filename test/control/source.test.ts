import t from 'tap';
import { egressResources } from '../../src/control/snapshot/egress.ts';
import { encodeSnapshot } from '../../src/control/snapshot/encode.ts';
import { createSnapshotSource } from '../../src/control/source.ts';
import { advanceStage } from '../../src/control/stage/advance.ts';
import { LINGER, type RingStage, type Stage } from '../../src/control/stage/types.ts';
import { Observable } from '../../src/core/index.ts';
import { Listener } from '../../src/gen/envoy/config/listener/v3/listener.ts';
import { Any } from '../../src/gen/google/protobuf/any.ts';
import type { Catalog } from '../../src/membership/types.ts';
import { type Logger, MetricRegistry, silentLogger } from '../../src/telemetry/index.ts';
import type { SnapshotFeed } from '../../src/xds/server/types.ts';
import { TYPE_URLS, type XdsNode } from '../../src/xds/types.ts';
import { catalogOf, fourMembers, CATALOG_MS as NOW, ringOf } from '../support/catalog.ts';

function node(fields: Partial<XdsNode> = {}): XdsNode {
  return { id: 'querier-1', cluster: 'live-store/egress', zone: 'zone-a', ringway: {}, userAgent: 'envoy/1.40.0', ...fields };
}

interface Bench {
  open(fields?: Partial<XdsNode>): SnapshotFeed;
  refusal(fields: Partial<XdsNode>): string;
  readonly stage: Observable<Stage>;
  readonly metrics: MetricRegistry;
  readonly errors: string[];
  move(catalog: Catalog): void;
}

function bench(first: Catalog = catalogOf(1, ringOf('live-store', fourMembers()), ringOf('unread', [], { sources: [] }))): Bench {
  const catalog = new Observable(first);
  const stage = new Observable(advanceStage(null, first, NOW, LINGER));
  const metrics = new MetricRegistry();
  const errors: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (event, { view, error }) => errors.push(`${event} ${String(view)}: ${String(error)}`),
  };
  const source = createSnapshotSource({ catalog, stage, logger, metrics });
  return {
    stage,
    metrics,
    errors,
    open(fields) {
      const feed = source.open(node(fields));
      if ('refused' in feed) throw new Error(feed.refused);
      return feed;
    },
    refusal(fields) {
      const feed = source.open(node(fields));
      return 'refused' in feed ? feed.refused : 'not refused';
    },
    move(next) {
      catalog.set(next);
      stage.set(advanceStage(stage.value, next, NOW, LINGER));
    },
  };
}

function listenerAddress(feed: SnapshotFeed): unknown {
  const any = feed.snapshot.value?.types.get(TYPE_URLS.listener)?.resources.get('live-store/egress')?.any;
  return any && Listener.decode(Any.decode(any).value).address?.address?.value;
}

t.test('an egress node gets the four types of its ring, named by ring and member', async (t) => {
  const feed = bench().open();
  t.equal(feed.view, 'live-store/egress');
  const types = feed.snapshot.value?.types;
  const ids = fourMembers().map(({ id }) => `live-store/${id}`);
  t.same([...(types?.get(TYPE_URLS.cluster)?.resources.keys() ?? [])], ids);
  t.same([...(types?.get(TYPE_URLS.endpoint)?.resources.keys() ?? [])], ids);
  t.same([...(types?.get(TYPE_URLS.route)?.resources.keys() ?? [])], ['live-store/egress']);
  t.match(listenerAddress(feed), { address: '127.0.0.1', portSpecifier: { value: 9096 } });
});

t.test('it listens where node.metadata.ringway.listen says', async (t) => {
  const { open, refusal } = bench();
  t.match(listenerAddress(open({ ringway: { listen: '[::1]:4000' } })), { address: '::1', portSpecifier: { value: 4000 } });
  const refused = (listen: string): string =>
    `node "querier-1": metadata.ringway.listen ${listen} is not ip:port, for example "127.0.0.1:9096"`;
  t.equal(refusal({ ringway: { listen: 'localhost:1' } }), refused('"localhost:1"'));
  t.equal(refusal({ ringway: { listen: 9096 } }), refused('9096'));
  t.equal(refusal({ ringway: { listen: '127.0.0.1' } }), refused('"127.0.0.1"'));
});

t.test('an inbound node is known and gets an empty set; a ring that was never read gives nothing yet', async (t) => {
  const { open } = bench();
  const inbound = open({ cluster: 'live-store/inbound' });
  t.equal(inbound.view, 'live-store/inbound');
  t.equal(inbound.snapshot.value?.types.size, 0);
  t.equal(open({ cluster: 'unread/egress' }).snapshot.value, null);
  t.not(open({ cluster: 'unread/inbound' }).snapshot.value, null);
});

t.test('who asks for something else is told what there is', async (t) => {
  const { refusal } = bench();
  const there = 'rings: live-store, unread; views: inbound, egress';
  t.equal(refusal({ cluster: 'egress' }), `node "querier-1": node.cluster "egress" is not <ring>/<view>; ${there}`);
  t.equal(refusal({ cluster: '/egress' }), `node "querier-1": node.cluster "/egress" is not <ring>/<view>; ${there}`);
  t.equal(refusal({ cluster: 'ring/egress' }), `node "querier-1": node.cluster "ring/egress" names the unknown ring "ring"; ${there}`);
  t.equal(
    refusal({ cluster: 'live-store/mesh' }),
    `node "querier-1": node.cluster "live-store/mesh" names the unknown view "mesh"; ${there}`,
  );
  t.match(bench(catalogOf(1)).refusal({}), 'names the unknown ring "live-store"; rings: none;');
});

t.test('nodes with the same parameters share one snapshot, others have their own', async (t) => {
  const { open } = bench();
  const open3 = [{ id: '1' }, { id: '2', ringway: { listen: '127.0.0.1:1' } }, { id: '3' }].map((fields) => {
    const { snapshot } = open(fields);
    snapshot.subscribe(() => {});
    return snapshot.value;
  });
  t.equal(open3[2], open3[0]);
  t.not(open3[1]?.version, open3[0]?.version);
});

t.test('listeners hear of a change of content once, and of nothing else', async (t) => {
  const { open, move, metrics } = bench();
  const feed = open();
  const seen: (string | undefined)[] = [];
  const stop = feed.snapshot.subscribe((snapshot) => seen.push(snapshot?.version));
  const built = metrics.counter({ name: 'ringway_snapshots_built_total' });
  t.equal(built.value, 1);
  move(catalogOf(2, ringOf('live-store', fourMembers())));
  t.equal(built.value, 1, 'the ring is as before: nothing is built');
  move(catalogOf(3, ringOf('live-store', fourMembers().slice(1))));
  t.same(seen, [feed.snapshot.value?.version]);
  t.equal(built.value, 2);
  move(catalogOf(4));
  t.equal(seen.length, 1, 'a ring that is gone leaves its last snapshot');
  stop();
  stop();
  move(catalogOf(5, ringOf('live-store', fourMembers().slice(2))));
  t.equal(seen.length, 1);
  t.equal(built.value, 2, 'nobody listens, nothing is built');
});

t.test('a view that nobody listens to is forgotten, and built again for the next', async (t) => {
  const { open, metrics } = bench();
  const built = metrics.counter({ name: 'ringway_snapshots_built_total' });
  open().snapshot.subscribe(() => {})();
  open({ ringway: { listen: '127.0.0.1:1' } }).snapshot.subscribe(() => {})();
  open().snapshot.subscribe(() => {})();
  t.equal(built.value, 3);
});

t.test('a snapshot that does not hold together is told, counted and not published', async (t) => {
  const { open, stage, metrics, errors } = bench();
  const feed = open();
  feed.snapshot.subscribe(() => {});
  const good = feed.snapshot.value;
  const ring = stage.value.rings.get('live-store') as RingStage;
  const [first] = ring.members as [RingStage['members'][number]];
  const broken = { ...ring, members: [...ring.members, { ...first, id: 'twin' }] };
  stage.set({ rings: new Map([['live-store', broken]]), nextMs: null });
  t.equal(feed.snapshot.value, good);
  t.same(errors, ['snapshot.broken live-store/egress: authority in live-store/egress 10.0.0.10:9096 stands there twice']);
  t.equal(metrics.counter({ name: 'ringway_snapshots_broken_total' }).value, 1);
  stage.set({ rings: new Map([['live-store', { ...ring, members: ring.members.slice(1) }]]), nextMs: null });
  t.not(feed.snapshot.value, good, 'the next good one is published');
});

t.test('so many resources are no more than a list', async (t) => {
  const stage = advanceStage(null, catalogOf(1, ringOf('live-store', fourMembers())), NOW, LINGER).rings.get('live-store') as RingStage;
  const resources = egressResources(stage, { listen: '127.0.0.1:9096', zone: '' });
  const [cluster] = resources.clusters;
  const clusters = Array.from({ length: 100_000 }, () => cluster as NonNullable<typeof cluster>);
  t.match(encodeSnapshot({ ...resources, clusters }).version, /^[\w-]{16}$/);
});
