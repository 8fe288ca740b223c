import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { Runtime, type RuntimeOptions } from '../../src/proxy/runtime/index.ts';
import {
  type ClusterPort,
  CompileError,
  type Dependencies,
  type ListenerPort,
  type ResourceCompiler,
} from '../../src/proxy/runtime/types.ts';
import { MetricRegistry, silentLogger } from '../../src/telemetry/index.ts';
import type { ReceivedResource, ResourceUpdate } from '../../src/xds/client/types.ts';
import { TYPE_URLS, type TypeUrl } from '../../src/xds/types.ts';
import { FakeClock } from './fake-clock.ts';
import { unsliced } from './unsliced.ts';

/** A fake resource: its name as field 1 of a message, as every resource has it, and the rest as JSON in a field that no message has. `broken` does not compile, `cold` is not warm by itself, `unbindable` cannot be bound. */
export interface FakeResource extends Dependencies {
  readonly name: string;
  readonly tag?: string;
  readonly broken?: string;
  readonly cold?: boolean;
  readonly unbindable?: string;
}

/** What the fake compilers make. `calls` is what was done with it, in order. */
export interface FakeCompiled {
  readonly resource: FakeResource;
  readonly calls: string[];
  endpoints: FakeCompiled | null;
  isWarm: boolean;
  onChange: () => void;
}

export type FakeRuntime = Runtime<FakeCompiled, FakeCompiled, FakeCompiled, FakeCompiled>;

const compilerOf = (typeUrl: TypeUrl): ResourceCompiler<FakeCompiled> => ({
  typeUrl,
  compile(_name, value) {
    const resource = JSON.parse(bodyOf(value)) as FakeResource;
    if (resource.broken !== undefined) throw new CompileError('field', resource.broken);
    const compiled: FakeCompiled = { resource, calls: [], endpoints: null, isWarm: resource.cold !== true, onChange: () => {} };
    return { compiled, dependencies: resource };
  },
});

/** A Runtime over JSON resources, a clock that tests move, and a list of everything its ports were asked to do. */
export function fakeDataPlane(options: Partial<Pick<RuntimeOptions<never, never, never, never>, 'cds' | 'lds' | 'slices'>> = {}): {
  readonly runtime: FakeRuntime;
  readonly clock: FakeClock;
  readonly registry: MetricRegistry;
  /** `serve in#2`, `retire in#1`, `assign a`, … in order. */
  readonly log: string[];
} {
  const clock = new FakeClock();
  const registry = new MetricRegistry();
  const log: string[] = [];
  const note = (what: string, compiled: FakeCompiled): void => {
    compiled.calls.push(what);
    log.push(`${what} ${compiled.resource.name}${compiled.resource.tag ? `#${compiled.resource.tag}` : ''}`);
  };
  const clusters: ClusterPort<FakeCompiled, FakeCompiled> = {
    start(cluster, onChange) {
      note('start', cluster);
      cluster.onChange = onChange;
    },
    assign(cluster, endpoints) {
      note(endpoints ? 'assign' : 'go on without', cluster);
      cluster.endpoints = endpoints;
    },
    warmth: (cluster) => ({ isWarm: cluster.isWarm, waitsFor: cluster.isWarm ? '' : 'names' }),
    retire: (cluster) => note('retire', cluster),
  };
  const listeners: ListenerPort<FakeCompiled> = {
    bind(listener) {
      if (listener.resource.unbindable !== undefined) return Promise.reject(new Error(listener.resource.unbindable));
      note('bind', listener);
      return Promise.resolve();
    },
    serve: (listener) => note('serve', listener),
    retire: (listener) => note('retire', listener),
  };
  const runtime: FakeRuntime = new Runtime({
    compilers: {
      cluster: compilerOf(TYPE_URLS.cluster),
      endpoint: compilerOf(TYPE_URLS.endpoint),
      listener: compilerOf(TYPE_URLS.listener),
      route: compilerOf(TYPE_URLS.route),
    },
    clusters,
    listeners,
    cds: options.cds === undefined ? { initialFetchTimeoutMs: 15_000 } : options.cds,
    lds: options.lds === undefined ? { initialFetchTimeoutMs: 15_000 } : options.lds,
    clock,
    slices: options.slices ?? unsliced,
    registry,
    log: silentLogger,
  });
  return { runtime, clock, registry, log };
}

const BODY_FIELD = 1_000;

/** The bytes of a fake resource. */
export function fakeBytes(resource: FakeResource): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).string(resource.name);
  writer.tag(BODY_FIELD, WireType.LengthDelimited).string(JSON.stringify(resource));
  return writer.finish();
}

function bodyOf(value: Uint8Array): string {
  const reader = new BinaryReader(value);
  let body = '';
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === BODY_FIELD) body = reader.string();
    else reader.skip(wireType, field);
  }
  return body;
}

/** An update as the xDS client hands it on. */
export function fakeUpdate(
  kind: Exclude<keyof typeof TYPE_URLS, 'secret'>,
  upserts: readonly FakeResource[],
  removed: readonly string[] = [],
): ResourceUpdate {
  const typeUrl = TYPE_URLS[kind];
  const received = upserts.map(
    (resource): ReceivedResource => ({ name: resource.name, version: resource.tag ?? '1', typeUrl, value: fakeBytes(resource) }),
  );
  return { typeUrl, version: '1', upserts: received, removed };
}
