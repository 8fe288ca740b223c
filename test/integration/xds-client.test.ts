// The xDS client against our own xDS server, over real sockets, in both variants.
import t from 'tap';
import { systemClock, timeSlices } from '../../src/core/index.ts';
import { Node } from '../../src/gen/envoy/config/core/v3/base.ts';
import { MetricRegistry, silentLogger } from '../../src/telemetry/index.ts';
import { AdsClient, type Interests } from '../../src/xds/client/index.ts';
import { createXdsServer, type XdsServer } from '../../src/xds/server/index.ts';
import { TYPE_URLS } from '../../src/xds/types.ts';
import { FakeSource } from '../support/fake-source.ts';
import { GrpcAdsTransport } from '../support/grpc-ads-transport.ts';
import { freePort } from '../support/ports.ts';
import { RecordingSink } from '../support/recording-sink.ts';
import { snapshotOf } from '../support/snapshots.ts';

const { cluster: CDS, endpoint: EDS } = TYPE_URLS;

/** A sink that asks for the endpoints of every cluster it gets, and resolves when `count` updates came. */
class FollowingSink extends RecordingSink {
  readonly #waiting = new Set<{ readonly count: number; readonly resolve: () => void }>();
  #count = 0;
  want: (interests: Interests) => void = () => {};
  readonly #clusters = new Set<string>();

  override async apply(update: Parameters<RecordingSink['apply']>[0]): ReturnType<RecordingSink['apply']> {
    if (update.typeUrl === CDS) {
      for (const { name } of update.upserts) this.#clusters.add(name);
      for (const name of update.removed) this.#clusters.delete(name);
      this.want(new Map([[EDS, { kind: 'names', names: new Set(this.#clusters) }]]));
    }
    const failures = await super.apply(update);
    this.#count += 1;
    for (const waiting of this.#waiting) if (this.#count >= waiting.count) waiting.resolve();
    return failures;
  }

  /** Resolves when so many updates were applied since the start. */
  until(count: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#count >= count) resolve();
      else this.#waiting.add({ count, resolve });
    });
  }
}

function start(transport: GrpcAdsTransport, variant: 'delta' | 'sotw') {
  const sink = new FollowingSink();
  const registry = new MetricRegistry();
  const client = new AdsClient({
    transport,
    variant,
    node: { ...Node.decode(new Uint8Array()), id: 'n', cluster: 'ring/view', userAgentName: 'ringway' },
    setNodeOnFirstMessageOnly: true,
    backoff: { baseMs: 500, maxMs: 30_000 },
    sink,
    clock: systemClock,
    slices: timeSlices(systemClock),
    random: () => 0.2,
    registry,
    log: silentLogger,
  });
  sink.want = (interests): void => client.want(interests);
  client.want(new Map([[CDS, { kind: 'all' }]]));
  client.start();
  return { sink, client };
}

const serve = async (source: FakeSource, port = 0): Promise<XdsServer> => {
  const server = createXdsServer({
    source,
    listen: { host: '127.0.0.1', port },
    clock: systemClock,
    logger: silentLogger,
    metrics: new MetricRegistry(),
  });
  await server.start();
  return server;
};

/** The server's opinion once it has heard what `test` waits for. */
async function untilKnown(server: XdsServer, test: (text: string) => boolean): Promise<string> {
  for (;;) {
    const types = server.clients().flatMap((client) => client.types);
    const text = types
      .map(({ type, acked, nacked }) => `${type.split('.').at(-1)} acked=${acked} nacked=${nacked?.message ?? ''}`)
      .join('\n');
    if (test(text)) return text;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

for (const variant of ['delta', 'sotw'] as const) {
  t.test(`${variant}: takes, acknowledges, refuses, and comes back after a restart of control`, async (t) => {
    const source = new FakeSource(snapshotOf({ version: '1', cluster: { a: '1', b: '1' }, endpoint: { a: '1', b: '1' } }));
    const port = await freePort();
    const first = await serve(source, port);
    const transport = new GrpcAdsTransport(first.address);
    const { sink, client } = start(transport, variant);
    await sink.until(2);
    t.strictSame(
      sink.take().map((line) => line.replace(/ [^ ]+ (?=\+)/, ' ')),
      ['Cluster +[a,b]', 'ClusterLoadAssignment +[a,b]'],
    );

    sink.refuse.add('c');
    source.snapshot.set(snapshotOf({ version: '2', cluster: { b: '1', c: '1' }, endpoint: { b: '2' } }));
    const status = await untilKnown(first, (text) => text.includes('refused'));
    t.match(status, /Cluster acked=\S* nacked=1 of \d clusters refused: c: no/);
    t.ok(sink.take().some((line) => /^Cluster \S+ \+\[[^\]]*\bc\b/.test(line)));

    await first.stop();
    sink.refuse.clear();
    source.snapshot.set(snapshotOf({ version: '3', cluster: { b: '1', c: '2' }, endpoint: { b: '2', c: '1' } }));
    const second = await serve(source, port);
    await untilKnown(second, (text) => /Cluster acked=\S+ nacked=\n?/.test(text) && /ClusterLoadAssignment acked=\S+/.test(text));
    const after = sink.take().join('\n');
    t.match(after, /^Cluster \S+ \+\[[^\]]*\bc\b/m);
    if (variant === 'delta') t.notMatch(after, /Cluster \S+ \+\[b/, 'what was here is not sent again');
    await client.stop();
    transport.close();
    await second.stop();
  });
}
