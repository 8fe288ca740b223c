import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPeer, peerHint } from '../../../test/support/peers.ts';
import { freePorts } from '../../../test/support/ports.ts';
import type { Site } from '../ends.ts';
import type { Door } from '../loads.ts';
import { pin } from '../process.ts';
import { listening } from './ready.ts';
import type { ProxyKind } from './types.ts';
import { versionOf } from './version.ts';

/** HAProxy with one thread: as little as it can do, like the minimal Envoy. */
export function haproxyKind(): ProxyKind {
  const binary = findPeer('haproxy');
  return {
    name: 'haproxy',
    title: 'HAProxy',
    missing: () => (binary === undefined ? peerHint('haproxy') : undefined),
    version: () => versionOf([binary as string, '-v']),
    async start({ site, core, folder }) {
      const [plain, tls, mtls] = (await freePorts(3)) as [number, number, number];
      const ports = { plain, tls, mtls };
      const config = join(folder, 'haproxy.cfg');
      writeFileSync(config, haproxyConfig(site, ports));
      const program = pin(core, [binary as string, '-db', '-f', config]);
      const readyMs = await listening(program, plain);
      return { pid: program.pid, readyMs, port: (door) => ports[door], stop: () => program.stop() };
    },
  };
}

function haproxyConfig(
  { backendPort, backendTlsPort, grpcBackendPort, certificates }: Site,
  ports: Readonly<Record<Door, number>>,
): string {
  const { ca, server, client } = certificates;
  return `global
  nbthread 1
  maxconn 8000

defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s

frontend plain
  bind 127.0.0.1:${ports.plain} proto h2
  bind 127.0.0.1:${ports.tls} ssl crt ${server.both} alpn h2
  use_backend grpc if { path_beg /bench.Grpc/ }
  default_backend frames

frontend mtls
  bind 127.0.0.1:${ports.mtls} ssl crt ${server.both} alpn h2 ca-file ${ca} verify required
  default_backend secure

backend frames
  server one 127.0.0.1:${backendPort} proto h2

backend grpc
  server one 127.0.0.1:${grpcBackendPort} proto h2

backend secure
  server one 127.0.0.1:${backendTlsPort} ssl crt ${client.both} ca-file ${ca} verify required alpn h2 sni str(bench.internal)
`;
}
