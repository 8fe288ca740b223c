// HTTP/1.1 by octets, on real Envoy and on the sidecar with the same bootstrap: what comes back, what the upstream got, what is counted.
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import t, { type Test } from 'tap';
import { writeCertificates } from '../support/certificates.ts';
import { type EnvoyProcess, envoySkip, startEnvoy } from '../support/envoy.ts';
import { createClient, type Peer, startPeer } from '../support/h2-peers.ts';
import {
  plainResponse,
  type RawBackend,
  type RawRequest,
  type RawResponse,
  rawClient,
  rawClientOver,
  startRawBackend,
} from '../support/http1-raw.ts';

const folder = t.testdir();
writeCertificates(folder);
const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
const post = (fields: string, body: string, target = '/'): string => `POST ${target} HTTP/1.1\r\nhost: a\r\n${fields}\r\n${body}`;
const get = (fields: string, target = '/'): string => `GET ${target} HTTP/1.1\r\nhost: a\r\n${fields}\r\n`;

/** What is sent on one connection, and how many responses come. */
interface Case {
  readonly octets: string;
  readonly responses?: number;
  readonly method?: string;
}

/** Both do the same. */
const SAME: Readonly<Record<string, Case | string>> = {
  // rows of the abuse table
  'HTTP/1.0': 'GET / HTTP/1.0\r\nhost: a\r\n\r\n',
  'HTTP/0.9': 'GET /\r\n\r\n',
  'HTTP/1.2': 'GET / HTTP/1.2\r\nhost: a\r\n\r\n',
  'content-length and transfer-encoding': post('content-length: 3\r\ntransfer-encoding: chunked\r\n', '0\r\n\r\n'),
  'two content-length': post('content-length: 3\r\ncontent-length: 4\r\n', 'abcd'),
  'two equal content-length': post('content-length: 3\r\ncontent-length: 3\r\n', 'abc'),
  'a sign in content-length': post('content-length: +3\r\n', 'abc'),
  'NUL in a value': get('x: a\0b\r\n'),
  'TLS hello': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
  'no host': 'GET / HTTP/1.1\r\n\r\n',
  garbage: 'hello world\r\n\r\n',
  'another coding': post('transfer-encoding: gzip, chunked\r\n', '0\r\n\r\n'),
  identity: post('transfer-encoding: identity\r\n', ''),
  'a blank before the colon': post('transfer-encoding : chunked\r\n', '0\r\n\r\n'),
  'chunked twice': post('transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n', '0\r\n\r\n'),
  'an unknown method': 'FOO / HTTP/1.1\r\nhost: a\r\n\r\n',
  'no path': 'GET foo HTTP/1.1\r\nhost: a\r\n\r\n',
  'an octet above ASCII in the path': get('', '/\xe9'),
  'a blank in a name': get('x y: 1\r\n'),
  'a bad chunk': post('transfer-encoding: chunked\r\n', 'zz\r\n\r\n'),
  'a large head': get(`x: ${'a'.repeat(70_000)}\r\n`),
  'many fields': get(Array.from({ length: 110 }, (_, i) => `x${i}: a\r\n`).join('')),
  'connection names x-forwarded-for': get('connection: x-forwarded-for\r\nx-forwarded-for: 1\r\n'),
  'an upgrade': get('connection: upgrade\r\nupgrade: websocket\r\n'),
  'no route, before the body': post('content-length: 30\r\n', 'abc', '/none'),
  // the normal ones
  GET,
  'GET with an absolute target': get('', 'http://b/x?y'),
  'GET with a body': get('content-length: 3\r\n', '/').concat('abc'),
  'POST chunked': post('transfer-encoding: chunked\r\n', '3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n'),
  'POST with a length': post('content-length: 3\r\n', 'abc'),
  'POST without a body': post('content-length: 0\r\n', ''),
  'trailers of a request': post('transfer-encoding: chunked\r\n', '3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n'),
  'trailers of a response': get('', '/trailers'),
  HEAD: { octets: 'HEAD / HTTP/1.1\r\nhost: a\r\n\r\n', method: 'HEAD' },
  '204': get('', '/204'),
  '304': get('', '/304'),
  'a response that is none': get('', '/smuggled'),
  'a response until the end': get('', '/until-end'),
  'keep-alive and pipelining': { octets: get('', '/1') + get('', '/2') + post('content-length: 1\r\n', 'x', '/3'), responses: 3 },
  'connection: close': get('connection: close\r\n'),
  'fields between neighbours': get('connection: x-mine, close\r\nx-mine: 1\r\nkeep-alive: 5\r\nte: trailers, gzip\r\nX-Up: Q\r\n'),
  'connection names content-length': post('connection: content-length\r\ncontent-length: 3\r\n', 'abc'),
  'h2c is not taken up': get('connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n'),
  '100-continue': { octets: post('content-length: 3\r\nexpect: 100-continue\r\n', 'abc'), responses: 2 },
  'another expectation': post('content-length: 3\r\nexpect: foo\r\n', 'abc'),
  'empty lines before': `\r\n\r\n${GET}`,
  'to HTTP/2': post('content-length: 3\r\ncookie: a=1\r\n', 'abc', '/h2'),
  'to HTTP/2, chunked': post('transfer-encoding: chunked\r\n', '3\r\nabc\r\n0\r\n\r\n', '/h2'),
  'HEAD to HTTP/2': { octets: 'HEAD /h2 HTTP/1.1\r\nhost: a\r\n\r\n', method: 'HEAD' },
  'gRPC without a route': post('content-type: application/grpc\r\ncontent-length: 0\r\n', '', '/none'),
  'no upstream': get('', '/closed'),
  'gRPC without an upstream': post('content-type: application/grpc\r\ncontent-length: 0\r\n', '', '/closed'),
};

/** We refuse what Envoy takes: RFC 9112 §2.2 and §5.2 let us, §3.2 has us. */
const STRICTER: Readonly<Record<string, string>> = {
  'a folded line': get('x: a\r\n b\r\n'),
  'bare LF': 'GET / HTTP/1.1\nhost: a\n\n',
  'bare CR in a value': get('x: a\rb\r\n'),
  'two host': 'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n',
  'user in host': 'GET / HTTP/1.1\r\nhost: u@a\r\n\r\n',
};

const COUNTERS = [
  'downstream_cx_http1_total',
  'downstream_cx_protocol_error',
  'downstream_rq_total',
  'downstream_rq_http1_total',
  'downstream_rq_2xx',
  'downstream_rq_3xx',
  'downstream_rq_4xx',
  'downstream_rq_5xx',
] as const;

function answer({ line, headers, body }: RawRequest): string {
  switch (line.split(' ')[1]) {
    case '/smuggled':
      return 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n';
    case '/204':
      return 'HTTP/1.1 204 No Content\r\nx-a: 1\r\n\r\n';
    case '/304':
      return 'HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n';
    case '/trailers':
      return 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n';
    default:
      return line.startsWith('HEAD')
        ? 'HTTP/1.1 200 OK\r\ncontent-length: 77\r\n\r\n'
        : plainResponse(JSON.stringify([line, headers, body]));
  }
}

const CONNECTION_MANAGER = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const TLS = `transport_socket: { name: tls, typed_config: { "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext, common_tls_context: { alpn_protocols: [h2, http/1.1], tls_certificates: [{ certificate_chain: { filename: ${folder}/server.crt }, private_key: { filename: ${folder}/server.key } }] } } },`;
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

function bootstrap(http1: string, http2: string): string {
  const listener = (name: string, socket = ''): string =>
    `{ name: ${name}, address: { socket_address: { address: 127.0.0.1, port_value: 0 } }, filter_chains: [{ ${socket} filters: [{ name: hcm, typed_config: { "@type": ${CONNECTION_MANAGER}, stat_prefix: ${name}, generate_request_id: false, delayed_close_timeout: 0.1s, route_config: { name: inline, virtual_hosts: [{ name: all, domains: ["*"], routes: [{ match: { prefix: /none }, direct_response: { status: 404, body: { inline_string: nothing } } }, { match: { prefix: /h2 }, route: { cluster: h2 } }, { match: { prefix: /closed }, route: { cluster: closed } }, { match: { prefix: / }, route: { cluster: h1 } }] }] }, http_filters: [{ name: router, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }] } }] }] }`;
  const cluster = (name: string, to: string, more = ''): string => {
    const [host, port] = to.split(':');
    return `{ name: ${name}, ${more} load_assignment: { cluster_name: ${name}, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: ${host}, port_value: ${port} } } } }] }] } }`;
  };
  const http2Options = `typed_extension_protocol_options: { ${HTTP_OPTIONS}: { "@type": type.googleapis.com/${HTTP_OPTIONS}, explicit_http_config: { http2_protocol_options: {} } } },`;
  const clusters = [cluster('h1', http1), cluster('h2', http2, http2Options), cluster('closed', '127.0.0.1:1')];
  return `static_resources: { listeners: [${listener('same')}, ${listener('strict')}, ${listener('secure', TLS)}], clusters: [${clusters.join(', ')}] }`;
}

interface Pair {
  readonly envoy: EnvoyProcess;
  readonly ringway: EnvoyProcess;
}

async function startPair(t: Test, http1: RawBackend, http2: Peer): Promise<Pair> {
  const yaml = bootstrap(http1.address, http2.address);
  const envoy = await startEnvoy(yaml, { logLevel: 'error' });
  t.after(() => envoy.stop());
  const ringway = await startEnvoy(yaml, { logLevel: 'error', program: [process.execPath, MAIN, 'sidecar'] });
  t.after(() => ringway.stop());
  await Promise.all([envoy.waitReady(), ringway.waitReady()]);
  return { envoy, ringway };
}

/** What differs from run to run, or is written otherwise. */
const VARYING: ReadonlySet<string> = new Set(['date', 'x-envoy-upstream-service-time', 'content-type']);

async function outcome(port: number, { octets, responses = 1, method = '' }: Case): Promise<unknown> {
  const client = rawClient(`127.0.0.1:${port}`);
  client.send(octets);
  const found = await client.responses(
    responses,
    Array.from({ length: responses }, () => method),
  );
  const closes = found.at(-1)?.headers['connection'] === 'close';
  // announced, so it comes
  if (closes) await client.closed();
  client.socket.destroy();
  return found.map(({ headers, ...rest }: RawResponse) => ({
    ...rest,
    headers: Object.fromEntries(
      Object.entries(headers)
        .filter(([name]) => !VARYING.has(name))
        .sort(),
    ),
  }));
}

t.test('octets in, octets out', { skip: envoySkip }, async (t) => {
  const http1 = await startRawBackend((request, socket) => {
    if (!request.line.includes('/until-end')) return answer(request);
    socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end');
    return null;
  });
  const http2 = await startPeer((stream, headers) => {
    let body = '';
    stream.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    stream.on('end', () => {
      const isHead = headers[':method'] === 'HEAD';
      stream.respond({ ':status': 200, 'x-from': 'h2', ...(isHead ? { 'content-length': 5 } : {}) }, { endStream: isHead });
      if (!isHead) stream.end(JSON.stringify([Object.entries(headers).sort(), body]));
    });
  });
  t.after(() => Promise.all([http1.stop(), http2.kill()]));
  const { envoy, ringway } = await startPair(t, http1, http2);
  const ports = { envoy: await envoy.listenerPort('same'), ringway: await ringway.listenerPort('same') };
  for (const [name, one] of Object.entries(SAME)) {
    const given = typeof one === 'string' ? { octets: one } : one;
    t.same(await outcome(ports.ringway, given), await outcome(ports.envoy, given), name);
  }
  const called = async (port: number): Promise<unknown> => {
    const client = createClient(`127.0.0.1:${port}`);
    const { headers, body } = await client.call({ headers: { ':authority': 'a', cookie: 'a=1; b=2' }, body: Buffer.from('abc') });
    await client.close();
    return [headers[':status'], headers['x-up'], body.toString().replace(/"(content-length|cookie)":"[^"]*",?/g, '')];
  };
  const viaRingway = await called(ports.ringway);
  t.match(viaRingway, [200, undefined, /^\["POST .*"te":"trailers".*"transfer-encoding":"chunked".*"abc"\]$/]);
  t.same(viaRingway, await called(ports.envoy), 'HTTP/2 to HTTP/1.1');
  const overTls = async (process: EnvoyProcess, ALPNProtocols: string[]): Promise<unknown> => {
    const port = await process.listenerPort('secure');
    const client = rawClientOver(connectTls({ host: '127.0.0.1', port, ALPNProtocols, rejectUnauthorized: false }));
    client.send(GET);
    const [response] = await client.responses(1);
    client.socket.destroy();
    return response?.body;
  };
  for (const protocols of [['http/1.1'], ['h3', 'http/1.1'], []]) {
    const body = await overTls(ringway, protocols);
    t.match(body, /"x-forwarded-proto":"https"/);
    t.same(body, await overTls(envoy, protocols), `TLS, ${protocols.join(' ') || 'no ALPN'}`);
  }
  const idle = (stats: ReadonlyMap<string, number>): boolean => stats.get('http.same.downstream_cx_active') === 0;
  await Promise.all([envoy.waitStats(idle), ringway.waitStats(idle)]);
  const counted = async (process: EnvoyProcess): Promise<unknown> => {
    const stats = await process.stats('^http\\.same\\.');
    return Object.fromEntries(COUNTERS.map((name) => [name, stats.get(`http.same.${name}`)]));
  };
  t.same(await counted(ringway), await counted(envoy), 'the same is counted');
  const strict = { envoy: await envoy.listenerPort('strict'), ringway: await ringway.listenerPort('strict') };
  for (const [name, octets] of Object.entries(STRICTER)) {
    t.match(await outcome(strict.envoy, { octets }), [{ status: 200 }], `${name}: Envoy takes it`);
    t.match(
      await outcome(strict.ringway, { octets }),
      [{ status: 400, body: 'Bad Request', headers: { connection: 'close' } }],
      `${name}: we do not`,
    );
  }
});
