import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
// Which route a request is, what compiles, and what is refused by name.
import t from 'tap';
import { HeaderValueOption } from '../../../src/gen/envoy/config/core/v3/base.ts';
import { RouteConfiguration } from '../../../src/gen/envoy/config/route/v3/route.ts';
import {
  HeaderMatcher,
  HedgePolicy,
  RetryPolicy,
  RetryPolicy_RetryHostPredicate,
  RetryPolicy_RetryPriority,
  Route,
  RouteAction,
  RouteAction_MaxStreamDuration,
  RouteMatch,
  VirtualHost,
  WeightedCluster,
  WeightedCluster_ClusterWeight,
} from '../../../src/gen/envoy/config/route/v3/route_components.ts';
import { PreviousHostsPredicate } from '../../../src/gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.ts';
import { PreviousPrioritiesConfig } from '../../../src/gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config.ts';
import { field, headerBlock } from '../../../src/http2/index.ts';
import { DomainTable } from '../../../src/proxy/route/domains.ts';
import { chooseCluster, createRouteCompiler, mutateHeaders } from '../../../src/proxy/route/index.ts';
import { RememberingRouteTable, type VirtualHostRules } from '../../../src/proxy/route/table.ts';
import type { Route as CompiledRoute, ForwardAction, RouteTable } from '../../../src/proxy/route/types.ts';
import { anyOf, bytesOf, message, ms } from '../../support/message.ts';

const GRPC = headerBlock([['content-type', 'application/grpc']]);

function compile(fields: Partial<RouteConfiguration>): RouteTable {
  return createRouteCompiler().compile('r', bytesOf(RouteConfiguration, { name: 'r', ...fields })).compiled;
}

function to(cluster: string, match: Partial<RouteMatch>, action: Partial<RouteAction> = {}, route: Partial<Route> = {}): Route {
  const value = message(RouteAction, { clusterSpecifier: { $case: 'cluster', value: cluster }, ...action });
  return message(Route, { name: cluster, match: message(RouteMatch, match), action: { $case: 'route', value }, ...route });
}

const anyPath: Partial<RouteMatch> = { pathSpecifier: { $case: 'prefix', value: '/' } };

function host(name: string, domains: string[], routes: Route[] = [to(name, anyPath)], more: Partial<VirtualHost> = {}): VirtualHost {
  return message(VirtualHost, { name, domains, routes, ...more });
}

function clusterFor(table: RouteTable, authority: string, path = '/', headers = GRPC): string | undefined {
  return table.route(authority, path, headers)?.name;
}

t.test('domains: exact, longest suffix, longest prefix, any; without case; with port', (t) => {
  const table = compile({
    virtualHosts: [
      host('any', ['*']),
      host('exact', ['10.0.0.1:9095', 'Live-Store.Tempo']),
      host('suffix', ['*.tempo']),
      host('longer-suffix', ['*.zone-a.tempo']),
      host('prefix', ['live-*']),
      host('longer-prefix', ['live-store-*']),
    ],
  });
  t.equal(clusterFor(table, '10.0.0.1:9095'), 'exact');
  t.equal(clusterFor(table, '10.0.0.1'), 'any', 'the port counts');
  t.equal(clusterFor(table, 'live-store.TEMPO'), 'exact');
  t.equal(clusterFor(table, 'x.tempo'), 'suffix');
  t.equal(clusterFor(table, 'x.zone-a.tempo'), 'longer-suffix');
  t.equal(clusterFor(table, '.tempo'), 'any', 'a wildcard is at least one character');
  t.equal(clusterFor(table, 'live-1.tempo'), 'suffix', 'a suffix goes before a prefix');
  t.equal(clusterFor(table, 'live-1'), 'prefix');
  t.equal(clusterFor(table, 'live-store-1'), 'longer-prefix');
  t.equal(clusterFor(compile({ virtualHosts: [host('a', ['a'])] }), 'b'), undefined);
  t.equal(clusterFor(compile({ ignorePortInHostMatching: true, virtualHosts: [host('a', ['a'])] }), 'a:80'), 'a');
  t.end();
});

t.test('paths: first match wins, the query does not count', (t) => {
  const table = compile({
    virtualHosts: [
      host(
        'h',
        ['*'],
        [
          to('exact', { pathSpecifier: { $case: 'path', value: '/tempopb.Querier/FindTraceByID' } }),
          to('separated', { pathSpecifier: { $case: 'pathSeparatedPrefix', value: '/api' } }),
          to('folded', { pathSpecifier: { $case: 'path', value: '/UPPER' }, caseSensitive: false }),
          to('prefix', { pathSpecifier: { $case: 'prefix', value: '/tempopb' } }),
        ],
      ),
    ],
  });
  t.equal(clusterFor(table, 'h', '/tempopb.Querier/FindTraceByID'), 'exact');
  t.equal(clusterFor(table, 'h', '/tempopb.Querier/FindTraceByID?x=1'), 'exact');
  t.equal(clusterFor(table, 'h', '/tempopb.Querier/FindTraceByIDs'), 'prefix');
  t.equal(clusterFor(table, 'h', '/api/x'), 'separated');
  t.equal(clusterFor(table, 'h', '/api'), 'separated');
  t.equal(clusterFor(table, 'h', '/apix'), undefined);
  t.equal(clusterFor(table, 'h', '/upper'), 'folded');
  t.end();
});

t.test('a path is walked once, unless callers could fill our memory with its like', (t) => {
  const domains = new DomainTable<VirtualHostRules>(false);
  const walked: number[] = [];
  const matchesPath = (path: string): boolean => walked.push(path.length) > 0;
  const route: CompiledRoute = {
    name: 'a',
    virtualHost: 'h',
    action: { kind: 'direct-response', status: 200, body: '' },
    requestHeaders: [],
    responseHeaders: [],
  };
  domains.add('*', { rules: [{ route, matchesPath, matchesHeaders: [] }] });
  const table = new RememberingRouteTable('r', domains);
  for (let round = 0; round < 2; round += 1) {
    for (const path of ['/short', `/short?${'q'.repeat(600)}`, `/${'p'.repeat(600)}`, `/other?${'q'.repeat(600)}`])
      t.equal(table.route('h', path, []), route);
  }
  t.same(walked, [6, 601, 6, 601, 6]);
  t.end();
});

t.test('header conditions are asked on every request, also when the path is remembered', (t) => {
  const header = (fields: Partial<HeaderMatcher>) => ({ ...anyPath, headers: [message(HeaderMatcher, fields)] });
  const table = compile({
    virtualHosts: [
      host(
        'h',
        ['*'],
        [
          to('tenant', header({ name: 'X-Scope-OrgID', headerMatchSpecifier: { $case: 'exactMatch', value: 'a' } })),
          to('prefixed', header({ name: 'x-scope-orgid', headerMatchSpecifier: { $case: 'prefixMatch', value: 'b' } })),
          to('absent', header({ name: 'x-scope-orgid', headerMatchSpecifier: { $case: 'presentMatch', value: true }, invertMatch: true })),
          to('grpc', { ...anyPath, grpc: {} }),
          to('rest', anyPath),
        ],
      ),
    ],
  });
  const tenant = (id: string) => headerBlock([['x-scope-orgid', id]]);
  for (let round = 0; round < 2; round += 1) {
    t.equal(clusterFor(table, 'h', '/', tenant('a')), 'tenant');
    t.equal(clusterFor(table, 'h', '/', tenant('bb')), 'prefixed');
    t.equal(clusterFor(table, 'h', '/', GRPC), 'absent');
    t.equal(clusterFor(table, 'h', '/', [...tenant('c'), ...GRPC]), 'grpc');
    t.equal(clusterFor(table, 'h', '/', tenant('c')), 'rest');
    const twice = [...tenant('a'), ...tenant('a')];
    t.equal(clusterFor(table, 'h', '/', twice), 'rest', 'two values are one list "a,a"');
  }
  t.end();
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is still in use on the heap. */
function heldBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

t.test('callers who make up authorities do not grow memory without end', (t) => {
  const table = compile({ virtualHosts: [host('h', ['*'])] });
  const before = heldBytes();
  for (let i = 0; i < 200_000; i += 1) table.route(`host-${i}`, '/', GRPC);
  const grownMiB = (heldBytes() - before) / 1024 / 1024;
  t.ok(table.route('host-0', '/', GRPC), 'the table is still there');
  t.ok(grownMiB < 8, `${grownMiB.toFixed(1)} MiB`);
  t.end();
});

t.test('the egress shape compiles: retries, hedges, host selection', (t) => {
  const retryPolicy = message(RetryPolicy, {
    retryOn: 'connect-failure,refused-stream,reset,unavailable',
    numRetries: 1,
    perTryTimeout: ms(150),
    retryPriority: message(RetryPolicy_RetryPriority, {
      name: 'p',
      configType: {
        $case: 'typedConfig',
        value: anyOf('envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig', PreviousPrioritiesConfig, {
          updateFrequency: 1,
        }),
      },
    }),
    retryHostPredicate: [
      message(RetryPolicy_RetryHostPredicate, {
        name: 'h',
        configType: {
          $case: 'typedConfig',
          value: anyOf('envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate', PreviousHostsPredicate),
        },
      }),
    ],
    hostSelectionRetryMaxAttempts: 3n,
    retryBackOff: { baseInterval: ms(5), maxInterval: ms(50) },
  });
  const hedgePolicy = message(HedgePolicy, { hedgeOnPerTryTimeout: true });
  const table = compile({ virtualHosts: [host('m', ['m'], [to('m', anyPath, { timeout: ms(0), retryPolicy, hedgePolicy })])] });
  const action = table.route('m', '/', GRPC)?.action as ForwardAction;
  t.equal(action.timeouts.wholeMs, null);
  t.match(action.retry, {
    numRetries: 1,
    perTryTimeoutMs: 150,
    hedges: true,
    backoff: { baseMs: 5, maxMs: 50 },
    selection: { previousPrioritiesEvery: 1, avoidPreviousHosts: true, maxAttempts: 3 },
    on: { 'connect-failure': true, 'refused-stream': true, reset: true, unavailable: true, internal: false, '5xx': false },
  });
  const plain = compile({ virtualHosts: [host('m', ['m'])] }).route('m', '/', GRPC)?.action as ForwardAction;
  t.equal(plain.timeouts.wholeMs, 15_000, 'Envoy gives a route 15 s unless told otherwise');
  t.equal(plain.retry, null);
  t.end();
});

t.test('stream durations and weighted clusters', (t) => {
  const cluster = (name: string, weight: number) => message(WeightedCluster_ClusterWeight, { name, weight });
  const value = message(WeightedCluster, { clusters: [cluster('a', 1), cluster('b', 3)] });
  const maxStreamDuration = message(RouteAction_MaxStreamDuration, { grpcTimeoutHeaderMax: ms(0), grpcTimeoutHeaderOffset: ms(20) });
  const route = to('w', anyPath, { clusterSpecifier: { $case: 'weightedClusters', value }, maxStreamDuration });
  const compiled = createRouteCompiler().compile(
    'r',
    bytesOf(RouteConfiguration, { name: 'r', virtualHosts: [host('h', ['*'], [route])] }),
  );
  t.same(compiled.dependencies, { clusters: ['a', 'b'], clustersMustExist: false });
  const action = compiled.compiled.route('x', '/', GRPC)?.action as ForwardAction;
  t.same(action.streamDuration, { maxMs: null, grpcTimeoutMaxMs: 0, grpcTimeoutOffsetMs: 20 });
  t.equal(
    chooseCluster(action.cluster, GRPC, () => 0.2),
    'a',
  );
  t.equal(
    chooseCluster(action.cluster, GRPC, () => 0.25),
    'b',
  );
  t.equal(
    chooseCluster(action.cluster, GRPC, () => 0.999),
    'b',
  );
  t.end();
});

t.test('headers are changed from the route outwards, the outermost last', (t) => {
  const add = (key: string, value: string, appendAction = 2) =>
    message(HeaderValueOption, { header: { key, value, rawValue: new Uint8Array(0) }, appendAction: appendAction as 0 | 1 | 2 | 3 });
  const table = compile({
    requestHeadersToAdd: [add('X-Level', 'configuration')],
    requestHeadersToRemove: ['x-secret'],
    virtualHosts: [
      host(
        'h',
        ['*'],
        [to('c', anyPath, {}, { requestHeadersToAdd: [add('x-level', 'route'), add('x-percent', '100%%'), add('x-a', '2', 0)] })],
      ),
    ],
  });
  const mutations = table.route('h', '/', GRPC)?.requestHeaders ?? [];
  const result = mutateHeaders(
    headerBlock([
      ['x-secret', '1'],
      ['x-a', '1'],
    ]),
    mutations,
  );
  t.same(
    result.map(({ name, value }) => `${name}: ${value}`),
    ['x-a: 1', 'x-percent: 100%', 'x-a: 2', 'x-level: configuration'],
  );
  t.end();
});

t.test('each way to change a header, on fields that are there twice, once, and not at all', (t) => {
  const original = headerBlock([
    ['a', '1'],
    ['b', '1'],
    ['a', '2'],
  ]);
  const changed = (kind: 'add' | 'add-if-absent' | 'overwrite' | 'overwrite-if-present', name: string): string =>
    mutateHeaders(original, [{ kind, field: field(name, 'new') }])
      .map(({ name, value }) => name + value)
      .join(' ');
  const kinds = ['add', 'add-if-absent', 'overwrite', 'overwrite-if-present'] as const;
  t.same(
    kinds.map((kind) => changed(kind, 'a')),
    ['a1 b1 a2 anew', 'a1 b1 a2', 'b1 anew', 'b1 anew'],
  );
  t.same(
    kinds.map((kind) => changed(kind, 'c')),
    ['a1 b1 a2 cnew', 'a1 b1 a2 cnew', 'a1 b1 a2 cnew', 'a1 b1 a2'],
  );
  const without = mutateHeaders(original, [{ kind: 'remove', name: 'a' }]);
  t.same(
    without.map(({ name }) => name),
    ['b'],
  );
  t.equal(original.length, 3, 'what came is not touched: another try sends it again');
  t.equal(mutateHeaders(original, []), original);
  t.end();
});

t.test('what cannot be done is refused by the name of its field', (t) => {
  const refused = (fields: Partial<RouteConfiguration>, text: string) => t.throws(() => compile(fields), { message: text });
  const withRoute = (route: Route) => ({ virtualHosts: [host('h', ['*'], [route])] });
  const at = 'virtual_hosts[0].routes[0]';
  refused({ virtualHosts: [host('a', ['*']), host('b', ['*'])] }, 'Only a single wildcard domain is permitted in route r');
  refused(
    { virtualHosts: [host('a', ['x', 'X'])] },
    'Only unique values for domains are permitted. Duplicate entry of domain X in route r',
  );
  refused(
    withRoute(to('c', { pathSpecifier: { $case: 'safeRegex', value: { engineType: undefined, regex: '.*' } } })),
    `${at}.match.safe_regex: is not supported (no RE2 here: use exact, prefix, suffix or contains)`,
  );
  refused(withRoute(message(Route, { match: message(RouteMatch, anyPath) })), `${at}.action: is required`);
  refused(withRoute(to('c', anyPath, { appendXForwardedHost: true })), `${at}.route.append_x_forwarded_host: is not supported`);
  refused(
    withRoute(to('c', anyPath, { retryPolicy: message(RetryPolicy, { retryOn: 'http3-post-connect-failure' }) })),
    `${at}.route.retry_policy.retry_on: "http3-post-connect-failure" is not supported (only 5xx, gateway-error, reset, reset-before-request, connect-failure, retriable-4xx, refused-stream, retriable-status-codes, retriable-headers, envoy-ratelimited, cancelled, deadline-exceeded, internal, resource-exhausted, unavailable)`,
  );
  refused(
    withRoute(to('c', anyPath, { hedgePolicy: message(HedgePolicy, { initialRequests: 2 }) })),
    `${at}.route.hedge_policy.initial_requests: is not supported`,
  );
  refused(
    { requestHeadersToAdd: [message(HeaderValueOption, { header: { key: 'a', value: '%REQ(b)%', rawValue: new Uint8Array(0) } })] },
    'request_headers_to_add[0].header.value: "%REQ(b)%": command operators (%…%) are not supported, "%%" is a percent sign',
  );
  refused({ vhds: { configSource: undefined } }, 'vhds: is not supported');
  t.end();
});
