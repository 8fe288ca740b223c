import t from 'tap';
import { ConfigError, createConfig } from '../../../src/config/index.ts';

/** The source of a ring with this section, or what is wrong with it, without the path to the section. */
function sourceOf(section: unknown): unknown {
  try {
    return createConfig('f', { rings: { r: { sources: [{ gossip: section }] } } }).rings.get('r')?.sources[0];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((problem) => problem.replace('f: rings.r.sources[0].gossip', ''));
    throw error;
  }
}

t.test('seeds are enough; the rest is as in Tempo', async (t) => {
  t.strictSame(sourceOf({ seeds: ['dns+tempo-gossip-ring:7946'] }), {
    kind: 'gossip',
    seeds: ['dns+tempo-gossip-ring:7946'],
    everyMs: 1000,
    timeoutMs: 2000,
    clusterLabel: '',
    keys: { instances: 'collectors/live-store', partitions: 'collectors/livestore-partitions' },
    tls: null,
  });
  const seeds = [
    '10.0.0.1:7946',
    '[fd00::1]:7946',
    'tempo-0.tempo.svc:7946',
    'dns+tempo:7946',
    'dns+10.0.0.2:7946',
    'dnssrv+_gossip-ring._tcp.tempo.svc.cluster.local.',
    'dnssrv+tempo:7947',
    'dnssrvnoa+tempo',
  ];
  const label = 'ü'.repeat(127);
  t.match(sourceOf({ seeds: [...seeds, ...seeds], clusterLabel: label }), { seeds, clusterLabel: label });
});

t.test('what is wrong', async (t) => {
  const allowed = 'allowed: host:port, dns+host:port, dnssrv+name or dnssrvnoa+name, as in memberlist.join_members';
  const bad = [
    'tempo',
    ':7946',
    'tempo:0',
    'tempo:70000',
    'dns+tempo',
    'dnssrv+',
    'dnssrv+a..b',
    'dnssrv+tempo:0',
    'dnssd+tempo:1',
    'dns+dns+a:1',
    '',
  ];
  t.strictSame(
    sourceOf({ seeds: bad }),
    bad.map((seed, i) => `.seeds[${i}]: ${JSON.stringify(seed)} is not a seed, ${allowed}`),
  );
  t.strictSame(sourceOf({ seeds: [] }), ['.seeds: is empty, allowed: one or more seeds']);
  t.match(sourceOf({ seeds: ['a:1'], clusterLabel: 'ü'.repeat(128) }), [
    /^\.clusterLabel: .* is not a cluster label, allowed: a text of at most 255 octets$/,
  ]);
});
