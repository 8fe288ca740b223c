import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type HostPort, parseHostPort } from '../../../src/core/index.ts';
import { durationMs, readMessage } from '../../../src/envoy/index.ts';
import type { Bootstrap } from '../../../src/gen/envoy/config/bootstrap/v3/bootstrap.ts';
import { bootstrapYaml, egressBootstrap, inboundBootstrap, parseAnnounce } from '../../../src/proxy/bootstrap/index.ts';
import type { AnnounceSettings } from '../../../src/proxy/bootstrap/types.ts';
import { envoySkip, validateWithEnvoy } from '../../support/envoy.ts';

const folder = join(import.meta.dirname, '../../golden/bootstrap');
const at = parseHostPort;

const BOOTSTRAPS: Readonly<Record<string, Bootstrap>> = {
  'inbound.yaml': inboundBootstrap({
    ...{ ring: 'live-store', member: 'live-store-zone-a-0', zone: 'zone-a' },
    ...{ listen: at(':9096'), local: at('127.0.0.1:9095'), control: at('control:18000') },
  }),
  'inbound-alone.yaml': inboundBootstrap({ ring: 'live-store', listen: at('[::]:9096'), local: at('live-store:9095'), admin: at(':9901') }),
  'inbound-announce.yaml': inboundBootstrap({
    ...{ ring: 'live-store', listen: at(':9096'), local: at('127.0.0.1:9095'), control: at('control:18000'), zone: 'zone-a' },
    announce: parseAnnounce(
      {
        ...{ nats: ['nats://nats-0:4222', 'tls://nats-1:4222'], nats_creds: '/var/run/ringway/nats.creds', nats_ca: '/etc/ringway/ca.pem' },
        ...{ nats_bucket: 'members', advertise: '10.0.0.7:9096', partition: '3', health_tenant: 'ops' },
      },
      (key) => key,
    ) as AnnounceSettings,
  }),
  'egress.yaml': egressBootstrap({ ring: 'live-store', listen: at('127.0.0.1:9096'), control: at('control:18000'), zone: 'zone-a' }),
  'egress-named.yaml': egressBootstrap({
    ...{ ring: 'traces', nodeId: 'querier-0', listen: at(':9096') },
    ...{ control: at('10.0.0.1:18000'), admin: at('0.0.0.0:9901') },
  }),
};

t.test('what is printed (rewrite with UPDATE_GOLDEN=1)', async (t) => {
  const { UPDATE_GOLDEN } = process.env;
  for (const [name, bootstrap] of Object.entries(BOOTSTRAPS)) {
    const file = join(folder, name);
    const printed = bootstrapYaml(bootstrap);
    if (UPDATE_GOLDEN) writeFileSync(file, printed);
    t.equal(printed, existsSync(file) ? readFileSync(file, 'utf8') : '', name);
    const read = readMessage('envoy.config.bootstrap.v3.Bootstrap', printed, { file: name, format: 'yaml' });
    t.strictSame([read.errors, read.warnings], [[], []], `${name} is read without a word`);
    t.strictSame(read.message, bootstrap, `${name} is read as it was composed`);
  }
  t.strictSame(readdirSync(folder).sort(), Object.keys(BOOTSTRAPS).sort(), 'no other golden files');
});

t.test('real Envoy takes what is printed', { skip: envoySkip }, async (t) => {
  for (const [name, bootstrap] of Object.entries(BOOTSTRAPS)) {
    const { code, output } = await validateWithEnvoy(bootstrapYaml(bootstrap), { args: ['--service-node', 'pod-0'] });
    t.equal(code, 0, `${name}: ${output}`);
  }
});

t.test('the node contract', async (t) => {
  const inbound = BOOTSTRAPS['inbound.yaml']?.node;
  t.match(inbound, { id: 'live-store-zone-a-0', cluster: 'live-store/inbound', locality: { zone: 'zone-a' }, metadata: undefined });
  const egress = BOOTSTRAPS['egress-named.yaml']?.node;
  t.match(egress, { id: 'querier-0', cluster: 'traces/egress', locality: undefined, metadata: { ringway: { listen: '127.0.0.1:9096' } } });
});

t.test('inbound waits for control no longer than a quarter of a second', async (t) => {
  const dynamic = BOOTSTRAPS['inbound.yaml']?.dynamicResources;
  t.equal(durationMs(dynamic?.cdsConfig?.initialFetchTimeout), 250);
  t.equal(dynamic?.ldsConfig, undefined);
  t.equal(BOOTSTRAPS['inbound-alone.yaml']?.dynamicResources, undefined);
});

t.test('loops are refused', async (t) => {
  const own = ['10.0.0.5', 'fd00::5', 'pod-0'];
  const refused: readonly (readonly [listen: string, local: string, reason: string])[] = [
    ['127.0.0.1:9095', '127.0.0.1:9095', 'they are the same address'],
    ['127.0.0.1:9095', 'localhost:9095', 'they are the same address'],
    ['[::1]:9095', '[0:0:0:0:0:0:0:1]:9095', 'they are the same address'],
    ['127.0.0.1:9095', '[::ffff:127.0.0.1]:9095', 'they are the same address'],
    [':9095', '127.0.0.1:9095', '0.0.0.0 is every address of this machine'],
    ['[::]:9095', '10.9.9.9:9095', ':: is every address of this machine'],
    ['10.0.0.5:9095', '0.0.0.0:9095', '0.0.0.0 is every address of this machine'],
    ['10.0.0.5:9095', 'POD-0.:9095', 'pod-0 is this machine'],
  ];
  for (const [listen, local, reason] of refused) {
    t.throws(
      () => inbound(listen, local, own),
      { code: 'LOOP', message: new RegExp(`: ${reason.replaceAll('.', '\\.')}; give`) },
      `${listen} ${local}`,
    );
  }
  const taken: readonly (readonly [string, string])[] = [
    [':9096', '127.0.0.1:9095'],
    ['10.0.0.5:9095', '127.0.0.1:9095'],
    ['10.0.0.5:9095', '10.0.0.6:9095'],
    ['127.0.0.1:9095', '127.0.0.2:9095'],
    ['127.0.0.1:9095', 'pod-0:9095'],
    ['10.0.0.5:9095', 'pod-1:9095'],
    ['127.0.0.1:0', '127.0.0.1:9095'],
  ];
  for (const [listen, local] of taken) t.doesNotThrow(() => inbound(listen, local, own), `${listen} ${local}`);
});

t.test('the loop is said in one line that names both addresses and what to do', async (t) => {
  t.throws(() => inbound(':9095', ':9095'), {
    message:
      '--listen 0.0.0.0:9095 and --local 127.0.0.1:9095 are the sidecar itself: 0.0.0.0 is every address of this machine; give the live-store another port',
  });
});

t.test('addresses that cannot be', async (t) => {
  t.throws(() => inbound('live-store:9096', '127.0.0.1:9095'), {
    code: 'BAD_ADDRESS',
    message: '--listen live-store:9096: "live-store" is not an IP address; a listener needs one (0.0.0.0 is every IPv4 one)',
  });
  t.throws(() => inbound(':9096', '127.0.0.1:0'), {
    code: 'BAD_ADDRESS',
    message: '--local 127.0.0.1:0: a port to connect to is 1 to 65535',
  });
  t.throws(() => egressBootstrap({ ring: 'r', listen: at('querier:1'), control: at('c:1') }), { code: 'BAD_ADDRESS' });
  t.throws(() => egressBootstrap({ ring: 'r', listen: at(':1'), control: at('c:0') }), {
    message: '--control c:0: a port to connect to is 1 to 65535',
  });
});

function inbound(listen: string, local: string, ownAddresses: readonly string[] = []): Bootstrap {
  const [listenAt, localAt]: readonly HostPort[] = [at(listen), at(local)];
  return inboundBootstrap({ ring: 'live-store', listen: listenAt as HostPort, local: localAt as HostPort, ownAddresses });
}
