// TLS on both sides of the same bootstrap, real Envoy and our sidecar: who is let in, what callers get, and what is counted.
import { once } from 'node:events';
import { connect as connectHttp2, constants, type SecureClientSessionOptions } from 'node:http2';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import t, { type Test } from 'tap';
import { writeCertificates } from '../support/certificates.ts';
import { envoySkip, startEnvoy } from '../support/envoy.ts';
import { answerGrpc, createClient, grpcMessage, grpcStatus, type Peer, startPeer } from '../support/h2-peers.ts';
import { freePorts } from '../support/ports.ts';
import { startSidecar } from '../support/sidecar.ts';

const folder = t.testdir();
const made = writeCertificates(folder);

/** One of the two under test. */
interface Proxy {
  readonly name: 'envoy' | 'ringway';
  port(listener: string): Promise<number>;
  stat(name: string): Promise<number>;
  /** A page of the admin interface. */
  page(path: string): Promise<string>;
  stop(): Promise<void>;
}

const certificate = (name: string): string =>
  `{ certificate_chain: { filename: ${folder}/${name}.crt }, private_key: { filename: ${folder}/${name}.key } }`;
const trust = (name: string): string => `validation_context: { trusted_ca: { filename: ${folder}/${name}.crt } }`;
const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

const downstream = (common: string, more = ''): string =>
  `transport_socket: { name: tls, typed_config: { "@type": ${TLS}.DownstreamTlsContext, ${more} common_tls_context: { alpn_protocols: [h2, http/1.1], tls_certificates: [${certificate('server')}], ${common} } } }`;
const upstream = (common: string, more = ''): string =>
  `transport_socket: { name: tls, typed_config: { "@type": ${TLS}.UpstreamTlsContext, ${more} common_tls_context: { alpn_protocols: [h2], ${common} } } }`;

const manager = (routes: string): string => `
    - name: http
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
        stat_prefix: in
        http_filters: [{ name: router, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }]
        route_config: { name: r, virtual_hosts: [{ name: all, domains: ["*"], routes: [${routes}] }] }`;
const tcpProxy = (cluster: string): string => `
    - { name: tcp, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: tcp, cluster: ${cluster} } }`;

function listener(name: string, port: number, socket: string, filters: string): string {
  return `
  - name: ${name}
    stat_prefix: ${name}
    address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
    filter_chains:
    - ${socket === '' ? '' : `${socket}\n      `}filters:${filters.replaceAll('\n', '\n  ')}`;
}

function cluster(name: string, port: number | string, socket = ''): string {
  return `
  - name: ${name}
    connect_timeout: 0.5s
    typed_extension_protocol_options: { ${HTTP_OPTIONS}: { "@type": type.googleapis.com/${HTTP_OPTIONS}, explicit_http_config: { http2_protocol_options: {} } } }
    load_assignment: { cluster_name: ${name}, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } } }] }] }
    ${socket}`;
}

interface Ports {
  readonly mtls: number;
  readonly peer: number;
  readonly silent: number;
  readonly closed: number;
}

function bootstrap({ mtls, peer, silent, closed }: Ports): string {
  const toPeer = manager('{ match: { prefix: / }, route: { cluster: peer, timeout: 5s } }');
  const clusters = ['mtls', 'wrong-ca', 'no-certificate', 'plaintext', 'silent', 'closed'];
  const byPath = manager(clusters.map((name) => `{ match: { prefix: /${name} }, route: { cluster: ${name}, timeout: 5s } }`).join(', '));
  const own = `tls_certificates: [${certificate('client')}]`;
  return `
admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }
static_resources:
  listeners:${[
    listener('open', 0, downstream(''), toPeer),
    listener('mtls', mtls, downstream(trust('ca'), 'require_client_certificate: true,'), toPeer),
    listener('asked', 0, downstream(trust('ca')), toPeer),
    listener('hasty', 0, `transport_socket_connect_timeout: 0.2s\n      ${downstream('')}`, toPeer),
    listener('plain', 0, '', byPath),
    listener('tcp', 0, downstream(''), tcpProxy('mtls')),
  ].join('')}
  clusters:${[
    cluster('peer', peer),
    cluster('mtls', mtls, upstream(`${own}, ${trust('ca')}`, 'sni: any.name,')),
    cluster('wrong-ca', mtls, upstream(`${own}, ${trust('other-ca')}`)),
    cluster('no-certificate', mtls, upstream(trust('ca'))),
    cluster('plaintext', peer, upstream(trust('ca'))),
    cluster('silent', silent, upstream(trust('ca'))),
    cluster('closed', closed, upstream(trust('ca'))),
  ].join('')}`;
}

async function envoy(yaml: string): Promise<Proxy> {
  const process = await startEnvoy(yaml, { logLevel: 'error' });
  await process.waitReady();
  return {
    name: 'envoy',
    port: (name) => process.listenerPort(name),
    stat: async (name) => (await process.stats(`^${name.replaceAll('.', '\\.')}$`)).get(name) ?? 0,
    page: (path) => process.admin(path),
    stop: () => process.stop(),
  };
}

async function ringway(yaml: string): Promise<Proxy> {
  const sidecar = await startSidecar(yaml);
  return {
    name: 'ringway',
    port: (name) => Promise.resolve(Number(sidecar.listener(name).split(':')[1])),
    stat: async (name) =>
      Number((await sidecar.admin('/stats')).match(new RegExp(`^${name.replaceAll('.', '\\.')}: (\\d+)$`, 'm'))?.[1] ?? 0),
    page: (path) => sidecar.admin(path),
    stop: () => sidecar.role.stop(),
  };
}

/** What a client got: the status of a response, or 'refused'. */
async function request(port: number, options: SecureClientSessionOptions = {}): Promise<number | 'refused'> {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, ...options });
  session.on('error', () => {});
  const stream = session.request({ ':path': '/', ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' });
  let status: number | undefined;
  stream.on('response', (headers) => {
    status = Number(headers[':status']);
  });
  stream.on('error', () => {});
  stream.resume();
  stream.end(Buffer.alloc(5));
  await new Promise<void>((resolve) => stream.once('close', () => resolve()));
  session.destroy();
  return status ?? 'refused';
}

const shown = (name: 'client' | 'stranger' | 'expired'): SecureClientSessionOptions => ({
  cert: made[name].certificate,
  key: made[name].privateKey,
});

/** Asks again until a counter is there: what is counted may come a moment after the connection's end. */
async function reaches(proxy: Proxy, stat: string, value: number): Promise<void> {
  while ((await proxy.stat(stat)) !== value) await new Promise((resolve) => setImmediate(resolve));
}

function scenarios(t: Test, proxy: Proxy, peer: Peer): void {
  t.test('TLS alone', async (t) => {
    const port = await proxy.port('open');
    // Envoy takes the client's order in TLS 1.3, we have one of our own
    t.equal(await request(port, { ciphers: 'TLS_AES_128_GCM_SHA256' }), 200);
    t.equal(peer.streams.at(-1)?.headers['x-forwarded-proto'], 'https');
    t.equal(await request(port, { maxVersion: 'TLSv1.2' }), 200);
    await reaches(proxy, 'listener.open.ssl.handshake', 2);
    t.equal(await proxy.stat('listener.open.ssl.no_certificate'), 2);
    t.equal(await proxy.stat('listener.open.ssl.versions.TLSv1.3'), 1);
    t.equal(await proxy.stat('listener.open.ssl.versions.TLSv1.2'), 1);
    t.equal(await proxy.stat('listener.open.downstream_cx_total'), 2);
    t.ok((await proxy.stat('http.in.downstream_cx_ssl_total')) >= 2);
    await reaches(proxy, 'http.in.downstream_cx_ssl_active', 0);
    const series = (await proxy.page('/stats/prometheus')).match(/^envoy_listener_ssl_(versions|ciphers)\{.*$/gm) ?? [];
    const labels = series.map((line) => line.replace(/\{(.*)\} .*/, (_, all: string) => all.split(',').sort().join(' ')));
    t.same(labels.sort(), [
      'envoy_listener_ssl_ciphersenvoy_listener_address="open" envoy_ssl_cipher="ECDHE-ECDSA-AES128-GCM-SHA256"',
      'envoy_listener_ssl_ciphersenvoy_listener_address="open" envoy_ssl_cipher="TLS_AES_128_GCM_SHA256"',
      'envoy_listener_ssl_versionsenvoy_listener_address="open" envoy_ssl_version="TLSv1.2"',
      'envoy_listener_ssl_versionsenvoy_listener_address="open" envoy_ssl_version="TLSv1.3"',
    ]);
  });

  t.test('a client certificate is required', async (t) => {
    const port = await proxy.port('mtls');
    t.equal(await request(port), 'refused');
    await reaches(proxy, 'listener.mtls.ssl.fail_verify_no_cert', 1);
    t.equal(await request(port, shown('stranger')), 'refused');
    t.equal(await request(port, { ...shown('stranger'), maxVersion: 'TLSv1.2' }), 'refused');
    t.equal(await request(port, shown('expired')), 'refused');
    await reaches(proxy, 'listener.mtls.ssl.fail_verify_error', 3);
    t.equal(await proxy.stat('listener.mtls.ssl.handshake'), 0);
    t.equal(await request(port, shown('client')), 200);
    await reaches(proxy, 'listener.mtls.ssl.handshake', 1);
    t.equal(await proxy.stat('listener.mtls.ssl.connection_error'), 0);
  });

  t.test('a client certificate is asked for', async (t) => {
    const port = await proxy.port('asked');
    t.equal(await request(port), 200);
    t.equal(await request(port, shown('client')), 200);
    t.equal(await request(port, shown('stranger')), 'refused');
    await reaches(proxy, 'listener.asked.ssl.fail_verify_error', 1);
    t.equal(await proxy.stat('listener.asked.ssl.handshake'), 2);
    t.equal(await proxy.stat('listener.asked.ssl.no_certificate'), 1);
  });

  t.test('mTLS upstream, and how it fails', async (t) => {
    const client = createClient(`127.0.0.1:${await proxy.port('plain')}`);
    const call = async (path: string): Promise<[number, string]> => {
      const outcome = await client.call({ path });
      return [grpcStatus(outcome), grpcMessage(outcome)];
    };
    t.same(await call('/mtls'), [0, '']);
    t.equal(await proxy.stat('cluster.mtls.ssl.handshake'), 1);
    const failure = (reason: string): [number, string] => [
      14,
      `upstream connect error or disconnect/reset before headers. reset reason: ${reason}`,
    ];
    for (const [name, reason, counted] of [
      ['wrong-ca', 'remote connection failure', 'ssl.fail_verify_error'],
      ['plaintext', 'remote connection failure', 'ssl.connection_error'],
      ['silent', 'connection timeout', 'upstream_cx_connect_timeout'],
      ['closed', 'remote connection failure', 'upstream_cx_connect_fail'],
    ] as const) {
      t.same(await call(`/${name}`), failure(reason), name);
      t.equal(await proxy.stat(`cluster.${name}.${counted}`), 1, `${name} ${counted}`);
      t.equal(await proxy.stat(`cluster.${name}.upstream_cx_connect_fail`), 1, `${name} upstream_cx_connect_fail`);
      t.equal(await proxy.stat(`cluster.${name}.ssl.handshake`), 0, `${name} ssl.handshake`);
    }
    t.equal((await call('/no-certificate'))[0], 14);
    await client.close();
  });

  t.test('tcp_proxy with TLS on both sides', async (t) => {
    const socket = connectTls({ host: '127.0.0.1', port: await proxy.port('tcp'), rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const session = connectHttp2('http://inside', { createConnection: () => socket });
    const body = Buffer.alloc(2_000_000, 7);
    for (let round = 0; round < 3; round += 1) {
      const stream = session.request({ ':path': '/', ':method': 'POST', 'content-type': 'application/grpc' });
      stream.resume();
      stream.end(body);
      const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
      t.equal(headers[':status'], 200);
      await once(stream, 'close');
      t.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
    }
    session.destroy();
  });

  t.test('what is no TLS, and what stalls', async (t) => {
    const port = await proxy.port('open');
    const before = await proxy.stat('listener.open.ssl.connection_error');
    const plain = connectTcp(port, '127.0.0.1');
    plain.on('error', () => {});
    plain.resume();
    plain.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await new Promise((resolve) => plain.once('close', resolve));
    await reaches(proxy, 'listener.open.ssl.connection_error', before + 1);
    const stalled = connectTcp(await proxy.port('hasty'), '127.0.0.1');
    stalled.on('error', () => {});
    stalled.resume();
    stalled.write(Buffer.from('1603010200', 'hex'));
    await new Promise((resolve) => stalled.once('close', resolve));
    await reaches(proxy, 'listener.hasty.downstream_cx_transport_socket_connect_timeout', 1);
    await reaches(proxy, 'listener.hasty.downstream_cx_active', 0);
    const hello = connectTls({ host: '127.0.0.1', port: await proxy.port('plain'), rejectUnauthorized: false });
    hello.on('error', () => {});
    await new Promise((resolve) => hello.once('close', resolve));
    t.equal(await request(port), 200, 'it serves on');
  });

  t.test('ALPN', async (t) => {
    const port = await proxy.port('open');
    const offering = async (protocols: string[]): Promise<string | false | null> => {
      const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: protocols });
      socket.on('error', () => {});
      await Promise.race([once(socket, 'secureConnect').catch(() => {}), new Promise((resolve) => socket.once('close', resolve))]);
      const { alpnProtocol } = socket;
      socket.destroy();
      return alpnProtocol;
    };
    t.equal(await offering(['http/1.1', 'h2']), 'h2');
    t.equal(await offering(['http/1.1']), 'http/1.1');
    // Envoy goes on without a protocol; we refuse, as RFC 7301 §3.2 has it
    t.equal(await offering(['other']), proxy.name === 'envoy' ? false : null);
  });
}

for (const [name, start, skip] of [
  ['envoy', envoy, envoySkip],
  ['ringway', ringway, false],
] as const) {
  t.test(name, { skip }, async (t) => {
    const peer = await startPeer((stream) => answerGrpc(stream));
    const held = new Set<Socket>();
    const silent = createServer((socket) => {
      socket.on('error', () => {});
      held.add(socket);
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const [mtls, closed] = (await freePorts(2)) as [number, number];
    const silentPort = (silent.address() as { port: number }).port;
    const proxy = await start(bootstrap({ mtls, closed, silent: silentPort, peer: Number(peer.address.split(':')[1]) }));
    t.teardown(async () => {
      await proxy.stop();
      for (const socket of held) socket.destroy();
      silent.close();
      await peer.kill();
    });
    scenarios(t, proxy, peer);
  });
}
