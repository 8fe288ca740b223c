import t, { type Test } from 'tap';
import { runCommand } from '../../src/cli/command.ts';
import { parseSourceUri } from '../../src/cli/ring/source-uri.ts';
import { ringCommand } from '../../src/cli/ring.ts';
import { memoryIo } from '../support/memory-io.ts';
import { memberlistPages, startTempoServer } from '../support/tempo-server.ts';

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function ring(...args: string[]): Promise<Ran> {
  const io = memoryIo();
  const code = await runCommand(ringCommand, args, io);
  return { code, ...io.written };
}

const member = (id: string, address: string, zone = 'zone-a', partition = 0): string =>
  `- {id: ${id}, address: "${address}", zone: ${zone}, partition: ${partition}}\n`;

function files(t: Test): string {
  const folder = t.testdir({
    'one.yaml': member('a', '10.0.0.1:1') + member('b', '10.0.0.2:1') + member('c', '10.0.0.3:1'),
    'two.yaml': member('a', '10.0.0.1:1') + member('b', '10.0.0.9:1', 'zone-b', 1) + member('d', '10.0.0.4:1'),
    'bare.yaml': '- {id: a, address: "10.0.0.1:1"}\n- {id: b, address: "10.0.0.2:1"}\n- {id: c, address: "10.0.0.3:1"}\n',
    'ringway.yaml': 'rings: {live-store: {sources: [{static: {file: one.yaml}}, {static: {file: two.yaml}}]}}\n',
    'two-rings.yaml': 'rings: {x: {sources: [{static: {file: one.yaml}}]}, y: {sources: [{static: {file: one.yaml}}]}}\n',
  });
  return folder;
}

t.test('two sources that say the same: exit 0', async (t) => {
  const folder = files(t);
  const one = `${folder}/one.yaml`;
  t.same(await ring('diff', one, one), { code: 0, stdout: `${one}: 3 members; ${one}: 3 members\nno difference\n`, stderr: '' });
  const bare = `${folder}/bare.yaml`;
  t.equal((await ring('diff', one, bare)).code, 0, 'what a source does not know is no difference');
});

t.test('two sources of a file: what one lacks, what differs, exit 1', async (t) => {
  const config = `${files(t)}/ringway.yaml`;
  const { code, stdout, stderr } = await ring('diff', '-c', config, 'static', 'static-2');
  t.equal(stderr, '');
  t.equal(code, 1);
  t.equal(
    stdout,
    `static: 3 members; static-2: 3 members
only in static: c 10.0.0.3:1 zone-a partition 0 ACTIVE
only in static-2: d 10.0.0.4:1 zone-a partition 0 ACTIVE
differs: b: address 10.0.0.2:1 in static, 10.0.0.9:1 in static-2; zone zone-a in static, zone-b in static-2; partition 0 in static, 1 in static-2
`,
  );
  const shown = JSON.parse((await ring('diff', '-c', config, '--json', 'static', 'static-2')).stdout);
  t.same(shown, {
    equal: false,
    left: { source: 'static', members: 3 },
    right: { source: 'static-2', members: 3 },
    onlyLeft: [{ id: 'c', address: '10.0.0.3:1', zone: 'zone-a', partition: 0, state: 'ACTIVE' }],
    onlyRight: [{ id: 'd', address: '10.0.0.4:1', zone: 'zone-a', partition: 0, state: 'ACTIVE' }],
    different: [
      {
        id: 'b',
        fields: [
          { field: 'address', left: '10.0.0.2:1', right: '10.0.0.9:1' },
          { field: 'zone', left: 'zone-a', right: 'zone-b' },
          { field: 'partition', left: 0, right: 1 },
        ],
      },
    ],
    partitions: [],
  });
});

t.test('a running Tempo and a file: states are compared only with who knows them', async (t) => {
  const tempo = await startTempoServer(t, memberlistPages());
  const address = (n: number): string => `127.0.0.1${n}:9196`;
  const all = ['a-0', 'b-0', 'a-1', 'b-1'].map((id, i) => member(`live-store-zone-${id}`, address(i + 1), `zone-${id[0]}`, i >> 1));
  const folder = t.testdir({ 'members.yaml': all.join('') });
  const { code, stdout } = await ring('diff', tempo.url, `${folder}/members.yaml`);
  t.equal(stdout, `${tempo.url}: 4 members; ${folder}/members.yaml: 4 members\nno difference\n`);
  t.equal(code, 0);
});

t.test('a source that cannot be read: exit 2', async (t) => {
  const folder = files(t);
  const { code, stdout, stderr } = await ring('diff', `${folder}/one.yaml`, `${folder}/none.yaml`);
  t.same([code, stdout], [2, '']);
  t.equal(stderr, `ringway ring: ${folder}/none.yaml: no such file\n`);
});

t.test('bad usage is one line and exit 64', async (t) => {
  const hint = '(see: ringway ring --help)\n';
  const folder = files(t);
  const said = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await ring('diff', ...args);
    t.equal(code, 64, args.join(' '));
    return stderr;
  };
  t.match(await said('a.yaml'), 'sources given: 1; allowed: two');
  t.match(await said('a.yaml', 'b.yaml', 'c.yaml'), 'sources given: 3; allowed: two');
  t.match(
    await said('tempo', 'b.yaml'),
    /^ringway ring: "tempo" is not a source; allowed: http:\/\/querier:3200, gossip:.*with --config the name of a source/,
  );
  t.equal(
    await said('-c', `${folder}/ringway.yaml`, 'static', 'nats'),
    'ringway ring: no source "nats" in ring live-store; there is: static, static-2\n',
  );
  t.equal(await said('-c', `${folder}/two-rings.yaml`, 'static', 'static'), `ringway ring: give --ring NAME; there is: x, y ${hint}`);
  t.match(await said('gossip://x', 'a.yaml'), /"x" is not a seed, allowed: host:port/);
});

t.test('a source in one word, as it would stand in ringway.yaml', async (t) => {
  const cases: Readonly<Record<string, object>> = {
    'http://a:3200': { tempo: { urls: ['http://a:3200'] } },
    'https://a,http://b:1': { tempo: { urls: ['https://a', 'http://b:1'] } },
    'gossip://a:7946': { gossip: { seeds: ['a:7946'] } },
    'gossip://a:7946,dns+b:7946?label=tempo.prod': { gossip: { seeds: ['a:7946', 'dns+b:7946'], clusterLabel: 'tempo.prod' } },
    'nats://a:4222,b:4222': { nats: { servers: ['nats://a:4222', 'nats://b:4222'], insecure: true } },
    'tls://a:4222?bucket=rings': { nats: { servers: ['tls://a:4222'], insecure: true, bucket: 'rings' } },
    'etcd://a:2379,b:2379': { etcd: { endpoints: ['http://a:2379', 'http://b:2379'] } },
    'consul://a:8500': { consul: { url: 'http://a:8500' } },
    'dns:live-store.tempo.svc:9096': { dns: { name: 'live-store.tempo.svc', port: 9096, records: 'A+AAAA' } },
    'dnssrv:_grpc._tcp.live-store': { dns: { name: '_grpc._tcp.live-store', records: 'SRV' } },
    'kubernetes:live-store:9096': { kubernetes: { service: 'live-store', port: 9096 } },
    'kubernetes:tempo/live-store:grpc': { kubernetes: { service: 'live-store', port: 'grpc', namespace: 'tempo' } },
    'members.yaml': { static: { file: 'members.yaml' } },
    '/a/b.json': { static: { file: '/a/b.json' } },
  };
  for (const [text, source] of Object.entries(cases)) t.same(parseSourceUri(text), source, text);
  for (const text of ['tempo', 'querier:3200', 'dns:name', 'kubernetes:a', 'ftp://a', '']) t.equal(parseSourceUri(text), null, text);
});

t.test('each form stands in the help', async (t) => {
  const { stdout } = await ring('--help');
  for (const scheme of ['http://', 'gossip://', 'nats://', 'etcd://', 'consul://', 'dns:', 'dnssrv:', 'kubernetes:', 'members.yaml'])
    t.match(stdout, scheme);
});
