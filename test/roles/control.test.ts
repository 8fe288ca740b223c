import { rename, writeFile } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { loadConfig } from '../../src/config/index.ts';
import { systemClock, systemRandom } from '../../src/core/index.ts';
import { ClusterLoadAssignment } from '../../src/gen/envoy/config/endpoint/v3/endpoint.ts';
import { type ControlRole, createControl } from '../../src/roles/control.ts';
import { silentLogger } from '../../src/telemetry/index.ts';
import { TYPE_URLS } from '../../src/xds/types.ts';
import { AdsClient, nodeOf } from '../support/ads-client.ts';
import { parsePrometheus } from '../support/prometheus.ts';
import { LogRecorder } from '../support/recording-logger.ts';

const LISTENERS = 'control: {xds: {listen: "127.0.0.1:0"}}\nadmin: {listen: "127.0.0.1:0"}\n';
const RING = 'rings: {live-store: {sources: [{static: {file: members.yaml}}]}}\n';

function member(id: string, host: string, zone = 'zone-a'): string {
  return `- {id: ${id}, address: "${host}:9096", zone: ${zone}, partition: 0}\n`;
}

interface Control {
  readonly role: ControlRole;
  readonly folder: string;
  readonly log: LogRecorder;
  get(path: string): Promise<Response>;
  write(file: string, text: string): Promise<void>;
}

async function control(t: Test, files: Readonly<Record<string, string>>): Promise<Control> {
  const folder = t.testdir(files);
  const log = new LogRecorder();
  const configFile = `${folder}/ringway.yaml`;
  const options = { config: await loadConfig(configFile), configFile, probe: { host: '127.0.0.1', port: 0 } };
  const role = createControl(options, { clock: systemClock, random: systemRandom, environment: {}, logger: log.logger });
  await role.start();
  t.teardown(() => role.stop());
  return {
    role,
    folder,
    log,
    get: (path) => fetch(`http://${role.addresses.admin}${path}`),
    async write(file, text) {
      await writeFile(`${folder}/${file}.new`, text);
      await rename(`${folder}/${file}.new`, `${folder}/${file}`);
    },
  };
}

/** The members of the ring as the pages show them: `id eds`. */
async function membersOf({ get }: Control): Promise<string[]> {
  const { members } = (await (await get('/api/rings/live-store')).json()) as { members: { id: string; eds: string }[] };
  return members.map(({ id, eds }) => `${id} ${eds}`);
}

t.test('control serves a ring from a file: pages, probes, xDS', async (t) => {
  const running = await control(t, {
    'ringway.yaml': RING + LISTENERS,
    'members.yaml': member('a-0', '10.0.0.1') + member('b-0', '10.0.0.2', 'zone-b'),
  });
  const { role, get } = running;
  const client = new AdsClient(role.addresses.xds);
  t.teardown(() => client.close());
  const stream = client.sotw();
  stream.send({ node: nodeOf('querier-1', 'live-store/egress'), typeUrl: TYPE_URLS.endpoint, resourceNames: ['live-store/a-0'] });
  const response = await stream.next();
  const [load] = response.resources.map(({ value }) => ClusterLoadAssignment.decode(value));
  t.same(
    load?.endpoints.map(({ priority, locality }) => [priority, locality?.zone]),
    [
      [0, 'zone-a'],
      [1, 'zone-b'],
    ],
  );

  t.same(await membersOf(running), ['a-0 HEALTHY', 'b-0 HEALTHY']);
  t.match(await (await get('/api/rings')).json(), { rings: [{ ring: 'live-store', members: 2, sources: [{ name: 'static', ok: true }] }] });
  t.match(await (await get('/api/clients')).json(), {
    clients: [
      {
        node: 'querier-1',
        cluster: 'live-store/egress',
        types: [{ type: TYPE_URLS.endpoint, variant: 'sotw', sent: response.versionInfo, acked: '' }],
      },
    ],
  });
  const unknown = await get('/api/rings/other');
  t.equal(unknown.status, 404);
  t.same(await unknown.json(), { error: { code: 'NO_RING', message: 'no ring "other"; there is: live-store' } });
  const metrics = parsePrometheus(await (await get('/metrics')).text());
  t.same(
    [...metrics].filter(([, { help }]) => help === null).map(([name]) => name),
    [],
    'every metric says what it is',
  );
  t.ok((metrics.get('ringway_snapshots_built_total')?.samples.get('ringway_snapshots_built_total') ?? 0) >= 1);
  t.equal(metrics.get('ringway_xds_pushes_total')?.samples.get('ringway_xds_pushes_total{type="endpoint",view="live-store/egress"}'), 1);
  for (const base of [role.addresses.admin, role.addresses.probe]) {
    t.equal(await (await fetch(`http://${base}/ready`)).text(), 'ready\n');
    t.equal((await fetch(`http://${base}/healthz`)).status, 200);
  }
  stream.cancel();
});

t.test('a node of a ring that does not exist is told what there is', async (t) => {
  const { role } = await control(t, { 'ringway.yaml': RING + LISTENERS, 'members.yaml': '[]' });
  const client = new AdsClient(role.addresses.xds);
  t.teardown(() => client.close());
  const stream = client.delta();
  stream.send({ node: nodeOf('q', 'other/egress'), typeUrl: TYPE_URLS.cluster });
  const { details } = await stream.ended;
  t.equal(details, 'node "q": node.cluster "other/egress" names the unknown ring "other"; rings: live-store; views: inbound, egress');
});

t.test('not ready, and why, until the ring has been read', async (t) => {
  const running = await control(t, { 'ringway.yaml': RING + LISTENERS });
  const { role, get, write } = running;
  const ready = async (): Promise<string> => (await get('/ready')).text();
  while (!(await ready()).includes('members.yaml')) await new Promise((resolve) => setImmediate(resolve));
  t.equal((await get('/ready')).status, 503);
  t.match(await ready(), /^not ready: ring live-store has not been read \(static: .*members\.yaml.*\)\n$/);
  t.equal((await fetch(`http://${role.addresses.probe}/ready`)).status, 503);
  t.equal((await fetch(`http://${role.addresses.probe}/healthz`)).status, 200);
  await write('members.yaml', member('a-0', '10.0.0.1'));
  await role.reload();
  while ((await ready()) !== 'ready\n') await new Promise((resolve) => setImmediate(resolve));
  t.same(await membersOf(running), ['a-0 HEALTHY']);
});

t.test('a ring that is empty when control starts is not served before it has members, unless it may be empty', async (t) => {
  const running = await control(t, { 'ringway.yaml': RING + LISTENERS, 'members.yaml': '[]' });
  const ready = async (): Promise<string> => (await running.get('/ready')).text();
  while (!(await ready()).includes('empty')) await new Promise((resolve) => setImmediate(resolve));
  t.equal(await ready(), 'not ready: ring live-store is empty (allowEmpty: true serves it empty)\n');
  await running.write('ringway.yaml', RING.replace('members.yaml}}]', 'members.yaml}}], allowEmpty: true') + LISTENERS);
  await running.role.reload();
  while ((await ready()) !== 'ready\n') await new Promise((resolve) => setImmediate(resolve));
});

t.test('after a restart, a source that fails takes no member away from who still has it', async (t) => {
  const two = 'rings: {live-store: {sources: [{static: {file: members.yaml}}, {static: {file: more.yaml}}]}}\n';
  const { role, get, write } = await control(t, { 'ringway.yaml': two + LISTENERS, 'members.yaml': member('a-0', '10.0.0.1') });
  const ready = async (): Promise<string> => (await get('/ready')).text();
  while (!(await ready()).includes('(static-2: ')) await new Promise((resolve) => setImmediate(resolve));
  t.match(await ready(), /^not ready: ring live-store has not been read \(static-2: .*more\.yaml: no such file\)\n$/);
  const client = new AdsClient(role.addresses.xds);
  t.teardown(() => client.close());
  const stream = client.delta();
  const initialResourceVersions = new Map(['live-store/a-0', 'live-store/c-0'].map((name) => [name, 'old']));
  stream.send({ node: nodeOf('q', 'live-store/egress'), typeUrl: TYPE_URLS.cluster, initialResourceVersions });
  await write('more.yaml', member('c-0', '10.0.0.3', 'zone-c'));
  await role.reload();
  const { resources, removedResources } = await stream.next();
  t.same(resources.map(({ name }) => name).sort(), ['live-store/a-0', 'live-store/c-0'], 'the first it hears is of both');
  t.same(removedResources, []);
});

t.test('a changed file is applied; a bad one is told and changes nothing', async (t) => {
  const running = await control(t, {
    'ringway.yaml': RING + LISTENERS,
    'members.yaml': member('a-0', '10.0.0.1'),
    'more.yaml': member('c-0', '10.0.0.3'),
  });
  const { role, get, write, log } = running;
  const rings = async (): Promise<string[]> => {
    const { rings } = (await (await get('/api/rings')).json()) as { rings: { ring: string }[] };
    return rings.map(({ ring }) => ring);
  };
  await write('ringway.yaml', `${RING}admn: {}\n`);
  await role.reload();
  t.match((await log.first('config.refused')).message, 'admn');
  t.same(await rings(), ['live-store']);

  await write('ringway.yaml', `${RING}  other: 1\n`);
  await role.reload();
  t.same(await rings(), ['live-store'], 'still');

  await write('ringway.yaml', '');
  await role.reload();
  t.match(log.of('config.refused').at(-1)?.message, 'there is no ring to read');
  t.same(await rings(), ['live-store'], 'a file that is not written yet');

  const two = 'rings:\n  live-store: {sources: [{static: {file: members.yaml}}]}\n  other: {sources: [{static: {file: more.yaml}}]}\n';
  await write('ringway.yaml', two + LISTENERS.replace('127.0.0.1:0', '127.0.0.1:1'));
  await role.reload();
  t.same(await rings(), ['live-store', 'other']);
  t.ok(log.of('config.restart_needed').length === 1, 'another xDS address takes a restart');
});

t.test('a part that cannot start stops those that had', async (t) => {
  const { role } = await control(t, { 'ringway.yaml': RING + LISTENERS, 'members.yaml': '[]' });
  const taken = role.addresses.xds;
  const folder = t.testdir({
    'ringway.yaml': `${RING}control: {xds: {listen: "${taken}"}}\nadmin: {listen: "127.0.0.1:0"}\n`,
    'members.yaml': '[]',
  });
  const config = await loadConfig(`${folder}/ringway.yaml`);
  const second = createControl(
    { config, configFile: null, probe: null },
    { clock: systemClock, random: systemRandom, environment: {}, logger: silentLogger },
  );
  await t.rejects(second.start(), { code: 'XDS_LISTEN', message: `xds: cannot listen on ${taken}: the port is in use` });
  t.throws(() => second.addresses, /not started/);
});

t.test('a source that lies open to others is warned of and shown', async (t) => {
  const secret = '{env: TOKEN}';
  const cases: readonly (readonly [string, string | null])[] = [
    ['nats: {servers: ["nats://nats.invalid:4222"], insecure: true}', 'nats://nats.invalid:4222'],
    ['nats: {servers: ["tls://nats.invalid:4222"], insecure: true}', null],
    [`tempo: {urls: ["https://a.invalid", "http://b.invalid:3200"], bearer: ${secret}}`, 'http://b.invalid:3200'],
    [`tempo: {urls: ["http://b.invalid"], headers: {X-Key: ${secret}}}`, 'http://b.invalid'],
    ['tempo: {urls: ["http://b.invalid"], headers: {X-Scope-OrgID: a}}', null],
    [`tempo: {urls: ["http://127.0.0.1:1", "http://[::1]:1"], bearer: ${secret}}`, null],
    [`consul: {url: "http://c.invalid:8500", token: ${secret}}`, 'http://c.invalid:8500'],
    ['consul: {url: "http://c.invalid:8500"}', null],
    [`etcd: {endpoints: ["http://e.invalid:2379"], user: u, password: ${secret}}`, 'http://e.invalid:2379'],
    [`etcd: {endpoints: ["https://e.invalid:2379"], user: u, password: ${secret}}`, null],
  ];
  for (const [source, server] of cases) {
    const { log, get } = await control(t, { 'ringway.yaml': `rings: {r: {sources: [{${source}}]}}\n${LISTENERS}` });
    const lines = log.of('source.insecure');
    t.equal(lines.length, server === null ? 0 : 1, source);
    for (const line of lines) t.match(line, { level: 'warn', fields: { ring: 'r', server } }, source);
    t.match(await (await get('/metrics')).text(), `ringway_insecure_source{ring="r"} ${server === null ? 0 : 1}\n`, source);
  }
});
