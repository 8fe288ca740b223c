import t from 'tap';
import { ConfigError, createConfig } from '../../../src/config/index.ts';

/** The source of a ring with this section, or what is wrong with it, without the path to the section. */
function sourceOf(section: unknown): unknown {
  try {
    return createConfig('f', { rings: { r: { sources: [{ etcd: section }] } } }).rings.get('r')?.sources[0];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((problem) => problem.replace('f: rings.r.sources[0].etcd', ''));
    throw error;
  }
}

t.test('endpoints are enough; the rest is as in Tempo', async (t) => {
  t.strictSame(sourceOf({ endpoints: ['http://etcd:2379'] }), {
    kind: 'etcd',
    endpoints: ['http://etcd:2379'],
    keys: { instances: 'collectors/live-store', partitions: 'collectors/livestore-partitions' },
    timeoutMs: 5000,
    tls: null,
    login: null,
  });
  const endpoints = ['https://etcd-0:2379/', 'https://[fd00::1]:2379', 'https://etcd-0:2379'];
  t.match(sourceOf({ endpoints, tls: {}, user: 'ringway', password: { env: 'PASSWORD' } }), {
    endpoints: ['https://etcd-0:2379', 'https://[fd00::1]:2379'],
    login: { user: 'ringway', password: { kind: 'env', name: 'PASSWORD' } },
  });
});

t.test('what is wrong', async (t) => {
  const bad = [
    'etcd:2379',
    'http://etcd',
    'http://etcd:0',
    'http://a:b@etcd:2379',
    'http://etcd:2379/v3',
    'http://etcd:2379?a',
    'grpc://a:1',
    '',
  ];
  t.strictSame(
    sourceOf({ endpoints: bad }),
    bad.map(
      (one, i) =>
        `.endpoints[${i}]: ${JSON.stringify(one.replace('a:b@', '[secret]@').replace('?a', '?[secret]'))} is not an endpoint, allowed: http://host:port or https://host:port, such as http://etcd:2379`,
    ),
  );
  t.strictSame(sourceOf({ endpoints: [] }), ['.endpoints: is empty, allowed: one or more endpoints']);
  const endpoints = ['http://etcd:2379'];
  t.strictSame(sourceOf({ endpoints, user: 'u' }), [': has one of user and password, allowed: both or neither']);
  t.strictSame(sourceOf({ endpoints, tls: {} }), [': has tls, but http://etcd:2379 is without, allowed: https:// endpoints']);
});
