import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { HostPort } from '../../src/core/index.ts';
import { writeCertificates } from '../support/certificates.ts';
import { freePorts } from '../support/ports.ts';
import {
  eventually,
  folderOf,
  type Program,
  type Scope,
  type Sidecar,
  start,
  startInbound,
  startSidecar,
  twoAddresses,
} from './installation.ts';

/** Test cases of gRPC's own interop client that need no special server. */
export const GRPC_CASES = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'cancel_after_begin',
  'cancel_after_first_response',
  'timeout_on_sleeping_server',
  'status_code_and_message',
  'special_status_message',
  'custom_metadata',
  'unimplemented_method',
  'unimplemented_service',
] as const;

/** How the three ends speak: in the clear, or TLS on both sides of the sidecar, which shows its own certificate to the server. */
export type Security = 'plaintext' | 'tls';

/** grpc-go's interop server with a sidecar before it. */
export interface GrpcInstallation {
  readonly security: Security;
  readonly sidecar: Sidecar;
  /** Of whoever signed the sidecar's certificate. */
  readonly authorityFile: string;
}

/** The name in every certificate. */
const NAME = 'localhost';

export async function startGrpcInstallation(t: Scope, server: string, program: Program, security: Security): Promise<GrpcInstallation> {
  const folder = await folderOf(t, {});
  const [port = 0] = await freePorts(1);
  writeCertificates(folder);
  const tls =
    security === 'tls' ? ['--use_tls', '--tls_cert_file', join(folder, 'server.crt'), '--tls_key_file', join(folder, 'server.key')] : [];
  const upstream = { host: '127.0.0.1', port };
  const process = start(t, { name: 'server', program: server, args: ['--port', String(port), ...tls], kind: 'foreign' }, () => {});
  await Promise.race([eventually(() => accepts(upstream), 'the server listens'), process.gone]);
  const sidecar = security === 'tls' ? await startTlsSidecar(t, program, upstream, folder) : await startInbound(t, program, upstream);
  return { security, sidecar, authorityFile: join(folder, 'ca.crt') };
}

/** The client's cancel_after_begin ends its request before its cancel is through, once in some hundred runs, and is answered. With Envoy too. */
const LOST_RACE = /CloseAndRecv\(\) got error code 0, want 1/;

/** Undefined when the case passed, else the client's last words. */
export async function runGrpcCase(client: string, name: string, installation: GrpcInstallation): Promise<string | undefined> {
  const words = await runOnce(client, name, installation);
  return words !== undefined && LOST_RACE.test(words) ? runOnce(client, name, installation) : words;
}

function runOnce(client: string, name: string, { security, sidecar, authorityFile }: GrpcInstallation): Promise<string | undefined> {
  const { host, port } = sidecar.address;
  const tls = security === 'tls' ? ['--use_tls', '--use_test_ca', '--ca_file', authorityFile, '--server_host_override', NAME] : [];
  const args = ['--test_case', name, '--server_host', host, '--server_port', String(port), ...tls];
  return new Promise((resolve) => {
    execFile(client, args, { timeout: 20_000 }, (error, _stdout, stderr) =>
      resolve(error ? stderr.slice(-1000) || error.message : undefined),
    );
  });
}

async function startTlsSidecar(t: Scope, program: Program, { host, port }: HostPort, folder: string): Promise<Sidecar> {
  const [listen, admin] = await twoAddresses();
  const trust = `validation_context: { trusted_ca: { filename: ${folder}/ca.crt } }`;
  const own = `tls_certificates: [{ certificate_chain: { filename: ${folder}/server.crt }, private_key: { filename: ${folder}/server.key } }]`;
  const type = 'type.googleapis.com/envoy.extensions';
  const text = `
admin: { address: { socket_address: { address: ${admin.host}, port_value: ${admin.port} } } }
static_resources:
  listeners:
  - name: in
    address: { socket_address: { address: ${listen.host}, port_value: ${listen.port} } }
    filter_chains:
    - transport_socket: { name: tls, typed_config: { "@type": ${type}.transport_sockets.tls.v3.DownstreamTlsContext, common_tls_context: { alpn_protocols: [h2], ${own} } } }
      filters:
      - name: http
        typed_config:
          "@type": ${type}.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          http_filters: [{ name: router, typed_config: { "@type": ${type}.filters.http.router.v3.Router } }]
          route_config: { name: r, virtual_hosts: [{ name: all, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: local, timeout: 0s } }] }] }
  clusters:
  - name: local
    connect_timeout: 1s
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions: { "@type": ${type}.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: { http2_protocol_options: {} } }
    transport_socket: { name: tls, typed_config: { "@type": ${type}.transport_sockets.tls.v3.UpstreamTlsContext, sni: ${NAME}, common_tls_context: { alpn_protocols: [h2], ${own}, ${trust} } } }
    load_assignment: { cluster_name: local, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: ${host}, port_value: ${port} } } } }] }] }
`;
  return startSidecar(t, program, 'tls', text, { listen, admin });
}

function accepts({ host, port }: HostPort): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
