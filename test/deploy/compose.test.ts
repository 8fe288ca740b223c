// deploy/compose: whatever it names is there, and the parts start in the order that Tempo's ring wants.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/index.ts';
import { type ComposeService, composeServices } from './command-lines.ts';

const FOLDER = 'deploy/compose';
const file = parse(readFileSync(join(FOLDER, 'docker-compose.yaml'), 'utf8'), { merge: true }) as {
  readonly networks: Record<string, { readonly ipam: { readonly config: readonly { readonly subnet: string }[] } }>;
  readonly volumes: Record<string, unknown>;
};
const services = composeServices();
const each = Object.entries(services);

t.test('whatever is named is there', async (t) => {
  for (const [name, service] of each) {
    t.match(service.image, /^[\w./-]+:(?!latest$)[\w.-]+$/, `${name} has a pinned image`);
    if (service.build)
      t.ok(existsSync(join(FOLDER, service.build.context, 'Dockerfile')), `${name} is built from ${service.build.context}`);
    for (const volume of service.volumes ?? []) {
      const [source = ''] = volume.split(':');
      t.ok(source.startsWith('.') ? existsSync(join(FOLDER, source)) : source in file.volumes, `${name} mounts ${source}`);
    }
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      t.ok(other in services, `${name} depends on ${other}`);
      if (condition === 'service_healthy') t.ok(services[other]?.healthcheck, `${other} says when it is healthy`);
    }
    const hosted = service.network_mode?.replace('service:', '');
    t.ok(hosted === undefined ? 'networks' in service : hosted in services, `${name} has a network`);
  }
});

t.test('who joins the network of a sidecar starts after it, and so stops before it', async (t) => {
  const guests = each.filter(([, { network_mode }]) => network_mode !== undefined);
  t.strictSame(
    guests.map(([name]) => name),
    ['live-store-zone-a-0', 'live-store-zone-b-0', 'redirect', 'querier'],
  );
  for (const [name, { network_mode = '', depends_on = {} }] of guests) {
    const { condition } = depends_on[network_mode.replace('service:', '')] ?? {};
    t.equal(condition, name === 'redirect' ? 'service_started' : 'service_healthy', name);
  }
});

t.test('what takes its time at the first start is not given up', async (t) => {
  for (const [name, { healthcheck }] of each.filter(([, service]) => service.healthcheck !== undefined)) {
    const { start_period } = healthcheck as { start_period: string };
    t.ok(Number.parseInt(start_period, 10) >= 300, `${name}: Kafka, the ring and control come before it`);
  }
});

t.test('our containers keep nothing that they do not need', async (t) => {
  for (const [name, service] of each.filter(([, { image }]) => image.startsWith('ringway')))
    t.match(service, { read_only: true, cap_drop: ['ALL'] } as Partial<ComposeService>, name);
  const added = each.filter(([, { cap_add }]) => cap_add !== undefined).map(([name, { cap_add }]) => [name, cap_add]);
  t.strictSame(added, [['redirect', ['NET_ADMIN']]]);
});

t.test('the parts agree on the ring', async (t) => {
  const config = await loadConfig(join(FOLDER, 'ringway.yaml'));
  t.strictSame(config.rings.get('live-store')?.allowedAddresses, [file.networks['tempo']?.ipam.config[0]?.subnet]);
  const tempo = parse(readFileSync(join(FOLDER, 'tempo.yaml'), 'utf8')) as { live_store: { ring: { instance_port: number } } };
  t.equal(tempo.live_store.ring.instance_port, 9096);
  for (const [name, { command = [], networks, environment }] of each.filter(([name]) => /^(sidecar|live-store)-zone/.test(name))) {
    const id = name.replace('sidecar-', 'live-store-');
    if (name === id) t.match(environment, { INSTANCE_ID: id });
    else {
      t.ok(command.includes(`--member=${id}`), name);
      const { ipv4_address } = (networks as { tempo: { ipv4_address: string } }).tempo;
      t.ok(command.includes(`--advertise=${ipv4_address}:9096`), `${name} advertises its own address`);
    }
  }
});
