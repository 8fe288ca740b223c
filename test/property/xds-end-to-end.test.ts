// Our client and runtime against our server's session, without a network: whatever control says and however streams end, the sidecar
// arrives at it, and no route ever serves without its clusters.
import fc from 'fast-check';
import t from 'tap';
import { seededRandom } from '../../src/core/index.ts';
import { Node } from '../../src/gen/envoy/config/core/v3/base.ts';
import { MetricRegistry, silentLogger } from '../../src/telemetry/index.ts';
import { AdsClient } from '../../src/xds/client/index.ts';
import type { AdsStream, AdsStreamHandler, AdsTransport } from '../../src/xds/client/types.ts';
import { AdsSession, DELTA, SOTW, type Variant } from '../../src/xds/protocol/index.ts';
import { type Snapshot, TYPE_URLS } from '../../src/xds/types.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { type FakeCompiled, type FakeResource, type FakeRuntime, fakeBytes, fakeDataPlane } from '../support/fake-data-plane.ts';
import { encodedResource, resourceSet } from '../support/snapshots.ts';
import { unsliced } from '../support/unsliced.ts';

/** What control says: clusters by tag, each with endpoints; one listener, one route configuration that names some of them. */
interface World {
  readonly clusters: Readonly<Record<string, string>>;
  readonly routed: readonly string[];
  readonly listenerTag: string;
  /** A cluster that does not compile: it is refused, and nothing routes to it. */
  readonly broken: boolean;
}

type Step = { readonly do: 'say'; readonly world: World } | { readonly do: 'cut' } | { readonly do: 'wait'; readonly ms: number };

const tag = fc.constantFrom('1', '2', '3');
const world: fc.Arbitrary<World> = fc
  .record({
    clusters: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tag),
    listenerTag: tag,
    broken: fc.boolean(),
    pick: fc.array(fc.nat(3)),
  })
  .map(({ clusters, listenerTag, broken, pick }) => {
    const names = Object.keys(clusters).sort();
    return { clusters, listenerTag, broken, routed: [...new Set(pick.flatMap((i) => names[i] ?? []))] };
  });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: world.map((said): Step => ({ do: 'say', world: said })) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'cut' }) },
  { weight: 3, arbitrary: fc.constantFrom(0, 1, 600, 12_000).map((ms): Step => ({ do: 'wait', ms })) },
);

const resourcesOf = (said: World): Record<'cluster' | 'endpoint' | 'listener' | 'route', FakeResource[]> => {
  const clusters = Object.entries(said.clusters);
  return {
    cluster: [
      ...clusters.map(([name, version]) => ({ name, tag: version, endpoints: [name] })),
      ...(said.broken ? [{ name: 'bad', broken: 'no' }] : []),
    ],
    endpoint: clusters.map(([name, version]) => ({ name, tag: version })),
    listener: [{ name: 'out', tag: said.listenerTag, routes: ['r'] }],
    route: [{ name: 'r', tag: said.routed.join(), clusters: said.routed }],
  };
};

function snapshotOf(said: World): Snapshot {
  const types = Object.entries(resourcesOf(said)).map(([kind, resources]) => {
    const typeUrl = TYPE_URLS[kind as keyof typeof TYPE_URLS];
    return [
      typeUrl,
      resourceSet(resources.map((each) => encodedResource(typeUrl, each.name, JSON.stringify(each), fakeBytes(each)))),
    ] as const;
  });
  return { version: JSON.stringify(said), types: new Map(types) };
}

interface OpenStream<Request extends { readonly typeUrl: string }> {
  readonly session: AdsSession<Request>;
  readonly handler: AdsStreamHandler;
}

/** The server's half of one stream at a time. */
class Control<Request extends { readonly typeUrl: string }> implements AdsTransport {
  readonly #variant: Variant<Request>;
  readonly #clock: FakeClock;
  #snapshot: Snapshot | null = null;
  #open: OpenStream<Request> | null = null;

  constructor(variant: Variant<Request>, clock: FakeClock) {
    this.#variant = variant;
    this.#clock = clock;
  }

  open(_method: string, handler: AdsStreamHandler): AdsStream {
    const session = new AdsSession({ create: this.#variant.create, ackTimeoutMs: 10_000 });
    const open = { session, handler };
    this.#open = open;
    if (this.#snapshot) session.offer(this.#snapshot);
    return {
      send: (message) => {
        session.request(this.#variant.decode(message), { monotonicMs: this.#clock.monotonicMs(), unixMs: this.#clock.nowMs() });
        this.#pump(open);
      },
      close: () => {
        if (this.#open === open) this.#open = null;
      },
    };
  }

  say(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    if (!this.#open) return;
    this.#open.session.offer(snapshot);
    this.#pump(this.#open);
  }

  cut(): void {
    const open = this.#open;
    this.#open = null;
    open?.handler.onEnd({ code: 14, message: 'cut' });
  }

  tick(): void {
    if (!this.#open) return;
    this.#open.session.expire(this.#clock.monotonicMs());
    this.#pump(this.#open);
  }

  #pump(open: OpenStream<Request>): void {
    for (const response of open.session.next(this.#clock.monotonicMs())) {
      const bytes = this.#variant.encode(response, 'control');
      // As from a socket: later, whole, in order; and perhaps after the stream was cut.
      setImmediate(() => open.handler.onMessage(bytes));
    }
  }
}

for (const [name, variant] of [
  ['delta', DELTA],
  ['sotw', SOTW],
] as const) {
  t.test(`${name}: a sidecar arrives at what control says, and routes never lack their clusters`, async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), world, fc.nat(), async (steps, last, seed) => {
        const { runtime, clock } = fakeDataPlane();
        const control = new Control(variant as Variant<{ typeUrl: string }>, clock);
        const client = new AdsClient({
          transport: control,
          variant: name,
          node: { ...Node.decode(new Uint8Array()), id: 'n', cluster: 'c' },
          setNodeOnFirstMessageOnly: true,
          backoff: { baseMs: 500, maxMs: 30_000 },
          sink: runtime,
          clock,
          slices: unsliced,
          random: seededRandom(seed),
          registry: new MetricRegistry(),
          log: silentLogger,
        });
        runtime.config.subscribe(() => assertClosed(runtime));
        runtime.interests.subscribe((interests) => client.want(interests));
        await runtime.start();
        client.start();
        for (const each of [...steps, { do: 'say', world: last } as const]) {
          if (each.do === 'say') control.say(snapshotOf(each.world));
          if (each.do === 'cut') control.cut();
          if (each.do === 'wait') await clock.advance(each.ms);
          control.tick();
        }
        for (let i = 0; i < 12; i += 1) {
          await clock.advance(10_000);
          control.tick();
        }
        assertArrived(runtime, last);
        await client.stop();
        runtime.stop();
      }),
      { numRuns: 200 },
    );
    t.pass('200 random histories');
  });
}

function assertClosed(runtime: FakeRuntime): void {
  const { routes, clusters } = runtime.config.value;
  for (const route of routes.values())
    for (const name of route.resource.clusters ?? [])
      if (!clusters.has(name)) throw new Error(`route ${route.resource.tag} serves without cluster ${name}`);
}

function assertArrived(runtime: FakeRuntime, said: World): void {
  const { routes, clusters } = runtime.config.value;
  const got = {
    clusters: Object.fromEntries(
      [...clusters].map(([name, { resource, endpoints }]) => [name, `${resource.tag}/${endpoints?.resource.tag}`]).sort(),
    ),
    routed: [...routes.values()].map(({ resource }) => resource.tag),
    listeners: runtime.resources().listeners.map(({ active }) => (active?.compiled as FakeCompiled | undefined)?.resource.tag),
    waiting: runtime.waiting(),
  };
  const wanted = {
    clusters: Object.fromEntries(
      Object.entries(said.clusters)
        .map(([name, version]) => [name, `${version}/${version}`])
        .sort(),
    ),
    routed: [said.routed.join()],
    listeners: [said.listenerTag],
    waiting: [],
  };
  if (JSON.stringify(got) !== JSON.stringify(wanted)) throw new Error(`got ${JSON.stringify(got)}, control said ${JSON.stringify(wanted)}`);
}
