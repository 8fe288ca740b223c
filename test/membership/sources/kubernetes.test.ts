import t, { type Test } from 'tap';
import { parseHostPort } from '../../../src/core/index.ts';
import { createKubernetesSource } from '../../../src/membership/sources/kubernetes/index.ts';
import type { KubernetesSourceOptions } from '../../../src/membership/sources/kubernetes/options.ts';
import type { SourceReport } from '../../../src/membership/types.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type KubernetesApi, startKubernetesApi } from '../../support/kubernetes-api.ts';
import { followKubernetes } from '../../support/kubernetes-follow.ts';
import { kubernetesOptions } from '../../support/kubernetes-options.ts';
import { type EndpointObject, pod, type SliceObject, slice } from '../../support/kubernetes-slices.ts';
import { sourceDeps } from '../../support/source-deps.ts';
import { sourceSuite } from '../source-suite.ts';

t.test('a kubernetes source keeps the promises of every source', (t) =>
  sourceSuite(t, async (t) => {
    const clock = new FakeClock();
    const api = await startKubernetesApi(t);
    const broken: KubernetesApi['fault'] = (_, response) => response.writeHead(503, { 'content-type': 'text/html' }).end('<html>');
    api.fault = broken;
    let waits = true;
    return {
      source: createKubernetesSource(kubernetesOptions(api.url), sourceDeps(clock)),
      clock,
      say: (members) => {
        api.fault = null;
        api.batch(() => {
          for (const family of ['IPv4', 'IPv6'] as const) {
            const own = members.filter(({ address }) => parseHostPort(address).host.includes(':') === (family === 'IPv6'));
            const endpoints = own.map(({ id, address, zone }) => pod(id, parseHostPort(address).host, { zone }));
            api.put(slice(`live-store-${family.toLowerCase()}`, endpoints, { addressType: family }));
          }
        });
      },
      spoil: () => {
        api.fault = broken;
        api.drop();
        waits = true;
      },
      look: async () => {
        const { length } = api.requests;
        while (waits && api.requests.length === length) await clock.advance(100);
        waits = api.fault !== null;
      },
    };
  }),
);

/** The first report on these slices; the server is called `api`. */
async function reportOn(
  t: Test,
  slices: readonly SliceObject[],
  fields: Partial<KubernetesSourceOptions> = {},
): Promise<SourceReport | string> {
  const api = await startKubernetesApi(t);
  for (const one of slices) api.put(one);
  const following = followKubernetes(t, kubernetesOptions(api.url, fields));
  const report = await following.next();
  await following.stop();
  if (report.kind === 'failed') return report.error.message.replaceAll(api.url, 'api');
  return report.warning === undefined ? report : { ...report, warning: report.warning.replaceAll(api.url, 'api') };
}

/** Members as `id address zone partition state`, and the warning. */
async function told(t: Test, slices: readonly SliceObject[], fields: Partial<KubernetesSourceOptions> = {}): Promise<readonly string[]> {
  const report = await reportOn(t, slices, fields);
  if (typeof report === 'string' || report.kind === 'failed') return [`failed: ${String(report)}`];
  const members = report.members.map(({ id, address, zone, partition, state }) => `${id} ${address} ${zone || '-'} ${partition} ${state}`);
  return [...members, ...(report.warning === undefined ? [] : [`warning: ${report.warning}`])];
}

t.test('a member has all that a slice knows, and no heartbeat', async (t) => {
  const endpoints = [
    pod('live-store-zone-b-12', '10.0.1.1', { zone: 'eu-1b' }),
    pod('live-store-zone-a-0', '10.0.0.1', { zone: 'eu-1a', hostname: 'other' }),
  ];
  const report = await reportOn(t, [slice('live-store-x', endpoints)]);
  const rest = { state: 'ACTIVE', heartbeatMs: null, registeredMs: null };
  t.match(report, { kind: 'members', ring: 'live-store', partitions: [], asOfMs: Number });
  t.strictSame(typeof report === 'object' && report.kind === 'members' && report.members, [
    { id: 'live-store-zone-a-0', address: '10.0.0.1:9096', zone: 'eu-1a', partition: 0, ...rest },
    { id: 'live-store-zone-b-12', address: '10.0.1.1:9096', zone: 'eu-1b', partition: 12, ...rest },
  ]);
});

t.test('the state comes from serving and terminating; ready only says no where nothing better is said', async (t) => {
  const cases: readonly (readonly [NonNullable<EndpointObject['conditions']> | null, string])[] = [
    [{ ready: true, serving: true, terminating: false }, 'ACTIVE'],
    [{ ready: true, serving: true, terminating: true }, 'LEAVING'], // publishNotReadyAddresses
    [{ ready: false, serving: true, terminating: true }, 'LEAVING'],
    [{ ready: true, serving: false, terminating: false }, 'JOINING'], // publishNotReadyAddresses
    [{ ready: false, serving: false, terminating: false }, 'JOINING'],
    [{ ready: true, serving: false, terminating: true }, 'LEFT'],
    [{ ready: false, serving: false, terminating: true }, 'LEFT'],
    [{}, 'ACTIVE'],
    [null, 'ACTIVE'],
    [{ ready: true }, 'ACTIVE'],
    [{ ready: false }, 'JOINING'],
    [{ terminating: true }, 'LEAVING'],
    [{ serving: true }, 'ACTIVE'],
  ];
  const endpoints = cases.map(([conditions], i): EndpointObject => {
    const { conditions: _, ...endpoint } = pod(`p-${i + 10}`, `10.0.0.${i}`);
    return conditions ? { ...endpoint, conditions } : endpoint;
  });
  const states = (await told(t, [slice('s', endpoints)])).map((text) => text.split(' ').at(-1));
  t.strictSame(
    states,
    cases.map(([, state]) => state),
  );
});

t.test('ids, partitions and zones', async (t) => {
  const endpoints: EndpointObject[] = [
    pod('a-007', '10.0.0.1'),
    pod('b', '10.0.0.2'),
    pod('c-99999999999', '10.0.0.3'),
    pod('c-4294967295', '10.0.0.4'),
    pod('c-2147483647', '10.0.0.5'),
    pod('d-1x', '10.0.0.6', { zone: 'z', hints: { forZones: [{ name: 'other' }] } }),
    pod('e-1', '10.0.0.7', { hints: { forZones: [{ name: 'hinted' }] } }),
    pod('f-1', '10.0.0.8', { hints: { forZones: [{ name: 'one' }, { name: 'two' }] } }),
    { addresses: ['10.0.0.9', '10.9.9.9'], hostname: 'host-3' },
    { addresses: ['10.0.0.10'], hostname: 'vm-4', targetRef: { kind: 'VirtualMachine', name: 'x' } },
  ];
  t.strictSame(await told(t, [slice('s', endpoints)]), [
    'a-007 10.0.0.1:9096 - 7 ACTIVE',
    'b 10.0.0.2:9096 - null ACTIVE',
    'c-2147483647 10.0.0.5:9096 - 2147483647 ACTIVE',
    'c-4294967295 10.0.0.4:9096 - null ACTIVE',
    'c-99999999999 10.0.0.3:9096 - null ACTIVE',
    'd-1x 10.0.0.6:9096 z null ACTIVE',
    'e-1 10.0.0.7:9096 hinted 1 ACTIVE',
    'f-1 10.0.0.8:9096 - 1 ACTIVE',
    'host-3 10.0.0.9:9096 - 3 ACTIVE',
    'vm-4 10.0.0.10:9096 - 4 ACTIVE',
  ]);
  t.strictSame(await told(t, [slice('s', [pod('a-7', '10.0.0.1')])], { partitionFromName: false }), ['a-7 10.0.0.1:9096 - null ACTIVE']);
});

t.test('a port by name is that of each slice', async (t) => {
  const named = (name: string, port: number) => [
    { name: 'http-metrics', port: 3200 },
    { name, port, protocol: 'TCP' },
  ];
  const slices = [
    slice('s-1', [pod('a-0', '10.0.0.1')], { ports: named('grpc', 9096) }),
    slice('s-2', [pod('a-1', '10.0.0.2')], { ports: named('grpc', 19_096) }),
  ];
  t.strictSame(await told(t, slices, { port: 'grpc' }), ['a-0 10.0.0.1:9096 - 0 ACTIVE', 'a-1 10.0.0.2:19096 - 1 ACTIVE']);
  const some = [
    ...slices,
    slice('s-3', [pod('a-2', '10.0.0.3')]),
    slice('s-4', [pod('a-3', '10.0.0.4')], { ports: null }),
    slice('s-5', [pod('a-4', '10.0.0.5')], { ports: [{ name: 'grpc', port: 9096, protocol: 'UDP' }] }),
    slice('s-6', [pod('a-5', '10.0.0.6')], { ports: [{ name: 'grpc' }] }),
    slice('s-7', [], { ports: null }),
  ];
  t.strictSame(await told(t, some, { port: 'grpc' }), [
    'a-0 10.0.0.1:9096 - 0 ACTIVE',
    'a-1 10.0.0.2:19096 - 1 ACTIVE',
    'warning: api: endpointslices of tempo/live-store: slice s-3: has no TCP port named grpc, only http-metrics; slice s-4: has no TCP port named grpc, only none at all; slice s-5: has no TCP port named grpc, only none at all; and 1 more',
  ]);
  t.equal(
    await reportOn(t, some.slice(2, 3), { port: 'grpc' }),
    'api: endpointslices of tempo/live-store: no endpoint can be used: slice s-3: has no TCP port named grpc, only http-metrics',
    'it does not say that the ring is empty',
  );
});

t.test('both families, and names, joined to one member each', async (t) => {
  const slices = [
    slice('v4', [pod('a-0', '10.0.0.1'), pod('a-1', '10.0.0.2')]),
    slice('v6', [pod('a-0', 'fd00::1'), pod('a-2', 'fd00::3', { zone: 'z' })], { addressType: 'IPv6' }),
    slice('fqdn', [pod('a-0', 'a-0.example'), { addresses: ['a-3.example'], hostname: 'a-3' }], { addressType: 'FQDN' }),
    slice('new', [pod('a-9', 'x')], { addressType: 'Unix' }),
    slice('odd', [pod('a-9', 'a b'), pod('a-9', 'fd00::9')], { addressType: 'FQDN' }),
  ];
  const warning =
    'warning: api: endpointslices of tempo/live-store: slice new: addresses of type "Unix", allowed: IPv4, IPv6, FQDN; slice odd: address "a b" is not FQDN; slice odd: address "fd00::9" is not FQDN';
  t.strictSame(await told(t, slices), [
    'a-0 10.0.0.1:9096 - 0 ACTIVE',
    'a-1 10.0.0.2:9096 - 1 ACTIVE',
    'a-2 [fd00::3]:9096 z 2 ACTIVE',
    'a-3 a-3.example:9096 - 3 ACTIVE',
    warning,
  ]);
  t.strictSame(await told(t, slices, { family: 'IPv6' }), [
    'a-0 [fd00::1]:9096 - 0 ACTIVE',
    'a-1 10.0.0.2:9096 - 1 ACTIVE',
    'a-2 [fd00::3]:9096 z 2 ACTIVE',
    'a-3 a-3.example:9096 - 3 ACTIVE',
    warning,
  ]);
});

t.test('a pod that stands in several slices: the one that was written last decides', async (t) => {
  const leaving = { conditions: { ready: true, serving: true, terminating: true } };
  const slices = [slice('z-first', [pod('a-0', '10.0.0.1')]), slice('a-second', [pod('a-0', '10.0.0.1', leaving)])];
  t.strictSame(await told(t, slices), ['a-0 10.0.0.1:9096 - 0 LEAVING']);
  t.strictSame(await told(t, slices.toReversed()), ['a-0 10.0.0.1:9096 - 0 ACTIVE']);

  const families = [slice('v4', [pod('a-0', '10.0.0.1')]), slice('v6', [pod('a-0', 'fd00::1', leaving)], { addressType: 'IPv6' })];
  t.strictSame(await told(t, families), ['a-0 10.0.0.1:9096 - 0 LEAVING'], 'state from the newer, address of the family');

  const successor = pod('a-0', '10.0.0.7', { targetRef: { kind: 'Pod', name: 'a-0', uid: 'another' } });
  const replaced = [slice('v6', [pod('a-0', 'fd00::1', leaving)], { addressType: 'IPv6' }), slice('v4', [successor])];
  t.strictSame(await told(t, replaced, { family: 'IPv6' }), ['a-0 10.0.0.7:9096 - 0 ACTIVE'], 'not the address of the pod before');
});

t.test('endpoints that cannot be used are a warning beside others, and a failure alone', async (t) => {
  const odd = (endpoint: object): EndpointObject => endpoint as EndpointObject;
  const bad = [
    odd({ addresses: [], targetRef: { kind: 'Pod', name: 'a-1' } }),
    odd({ addresses: ['10.0.0.2'] }),
    odd({ addresses: ['10.0.0.3'], conditions: { serving: 'yes' }, hostname: 'a' }),
    odd({ addresses: ['10.0.0.4'], hostname: 'x'.repeat(254) }),
    odd({ addresses: [5], hostname: 'a' }),
    odd({ addresses: '10.0.0.5', hostname: 'a' }),
    odd({ addresses: ['10.0.0.6'], targetRef: [] }),
    odd({ addresses: ['10.0.0.6'], conditions: 5 }),
    odd({ addresses: ['10.0.0.7'], targetRef: { kind: 'Pod', name: 5 } }),
    odd([]),
    pod('a-1', '10.0.0.256'),
    pod('a-1', 'a.example'),
    pod('a-1', 'fd00::1'),
    pod('a-1', '[10.0.0.1'),
  ];
  const problems = (first: number): string =>
    `slice s: endpoint ${first} has no address that is a name or number; slice s: endpoint ${first + 2} has conditions that are neither true nor false; slice s: endpoint ${first + 3} has a name that is no text, or a long one; and`;
  t.strictSame(await told(t, [slice('s', [pod('a-0', '10.0.0.1'), ...bad])]), [
    'a-0 10.0.0.1:9096 - 0 ACTIVE',
    `warning: api: endpointslices of tempo/live-store: ${problems(1)} 11 more`,
  ]);
  t.equal(await reportOn(t, [slice('s', bad)]), `api: endpointslices of tempo/live-store: no endpoint can be used: ${problems(0)} 11 more`);
  t.strictSame(await told(t, [slice('s', [odd({ addresses: ['10.0.0.2'] }), pod('a-0', '10.0.0.1')])]), [
    'a-0 10.0.0.1:9096 - 0 ACTIVE',
    'warning: api: endpointslices of tempo/live-store: slice s: endpoint 10.0.0.2:9096 has neither a pod nor a hostname',
  ]);
});

t.test('nobody there: a Service without pods is empty, one that does not exist as well, and that is said', async (t) => {
  t.match(await reportOn(t, [slice('s', [])]), { kind: 'members', members: [], warning: undefined });
  const nullish = { ...slice('s', []), endpoints: null, ports: null };
  t.match(await reportOn(t, [nullish]), { kind: 'members', members: [], warning: undefined });
  t.match(await reportOn(t, []), {
    kind: 'members',
    members: [],
    warning: 'api: endpointslices of tempo/live-store: there are none: no Service of that name, or one without a selector',
  });
});

t.test('slices of another Service or namespace are not asked for', async (t) => {
  const elsewhere = slice('other', [pod('b-0', '10.0.0.9')], { service: 'querier' });
  const there = slice('s', [pod('c-0', '10.0.0.8')]);
  const inDev = { ...there, metadata: { ...there.metadata, namespace: 'dev' } };
  t.strictSame(await told(t, [elsewhere, inDev, slice('s', [pod('a-0', '10.0.0.1')])]), ['a-0 10.0.0.1:9096 - 0 ACTIVE']);
});
