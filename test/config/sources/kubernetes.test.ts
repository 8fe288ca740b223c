import t from 'tap';
import { ConfigError, createConfig } from '../../../src/config/index.ts';

/** The source of a ring with this section, or what is wrong with it, without the path to the section. */
function sourceOf(section: unknown): unknown {
  try {
    return createConfig('f', { rings: { r: { sources: [{ kubernetes: section }] } } }).rings.get('r')?.sources[0];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((problem) => problem.replace('f: rings.r.sources[0].kubernetes', ''));
    throw error;
  }
}

t.test('a Service and a port are enough; the rest is the pod’s own', async (t) => {
  const defaults = {
    kind: 'kubernetes',
    service: 'live-store',
    namespace: null,
    port: 9096,
    server: null,
    tokenFile: null,
    caFile: null,
    partitionFromName: true,
    family: 'IPv4',
  };
  t.strictSame(sourceOf({ service: 'live-store', port: 9096 }), defaults);
  const all = {
    service: 'tempo-live-store',
    namespace: 'tempo',
    port: 'grpc-proxy',
    server: 'https://[fd00::1]:6443/k8s/clusters/c-1/',
    tokenFile: '/token',
    caFile: '/ca.crt',
    partitionFromName: false,
    family: 'IPv6',
  };
  t.strictSame(sourceOf(all), { kind: 'kubernetes', ...all, server: 'https://[fd00::1]:6443/k8s/clusters/c-1' });
});

t.test('what is wrong', async (t) => {
  const port = (given: string): string[] => [`.port: ${given} is not a port, allowed: 1 to 65535, or the name of a port of the Service`];
  t.strictSame(sourceOf({ service: 'live-store' }), ['.port: missing, allowed: 1 to 65535, or the name of a port of the Service']);
  for (const given of [0, 65_536, 9096.5, '9096', 'GRPC', 'a_b', '-a', '', true])
    t.strictSame(sourceOf({ service: 'live-store', port: given }), port(JSON.stringify(given)));
  t.strictSame(sourceOf({ service: 'Live_Store', namespace: 'a.b', port: 1, family: 'ipv4' }), [
    '.service: "Live_Store" is not a Service, allowed: the name of a Service',
    '.namespace: "a.b" is not a namespace, allowed: the name of a namespace',
    '.family: "ipv4" is unknown, allowed: IPv4, IPv6',
  ]);
  t.strictSame(sourceOf({ service: 'a', port: 1, server: 'http://127.0.0.1:8001', tokenFile: 'x' }), [
    '.tokenFile: does not go with an http: server, allowed: https:, or no token',
  ]);
});
