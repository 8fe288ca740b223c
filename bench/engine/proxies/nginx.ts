import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPeer, peerHint } from '../../../test/support/peers.ts';
import { freePorts } from '../../../test/support/ports.ts';
import type { Site } from '../ends.ts';
import type { Door } from '../loads.ts';
import { pin } from '../process.ts';
import { listening } from './ready.ts';
import type { ProxyKind } from './types.ts';
import { versionOf } from './version.ts';

const EVER = 1_000_000_000;
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** nginx with one worker, without an access log. */
export function nginxKind(): ProxyKind {
  const binary = findPeer('nginx');
  return {
    name: 'nginx',
    title: 'nginx',
    missing: () => (binary === undefined ? peerHint('nginx') : undefined),
    version: () => versionOf([binary as string, '-v']),
    async start({ site, core, folder }) {
      const [plain, tls, mtls] = (await freePorts(3)) as [number, number, number];
      const ports = { plain, tls, mtls };
      const config = join(folder, 'nginx.conf');
      mkdirSync(join(folder, 'temporary'), { recursive: true });
      writeFileSync(config, nginxConfig(site, ports, folder));
      const program = pin(core, [binary as string, '-p', folder, '-e', 'stderr', '-c', config]);
      const readyMs = await listening(program, plain);
      return { pid: program.pid, readyMs, port: (door) => ports[door], stop: () => program.stop() };
    },
  };
}

function nginxConfig(site: Site, ports: Readonly<Record<Door, number>>, folder: string): string {
  const { ca, server, client } = site.certificates;
  const upstream = (name: string, port: number): string =>
    `upstream ${name} { server 127.0.0.1:${port}; keepalive 512; keepalive_requests ${EVER}; }`;
  const certificate = `ssl_certificate ${server.certificate}; ssl_certificate_key ${server.key}; ssl_protocols TLSv1.3;`;
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 16384; }
http {
  access_log off;
  keepalive_requests ${EVER};
  http2_max_concurrent_streams 1024;
  client_max_body_size 0;
  ${TEMPORARY.map((name) => `${name}_temp_path ${folder}/temporary;`).join(' ')}
  ${upstream('frames', site.backendPort)}
  ${upstream('grpc', site.grpcBackendPort)}
  ${upstream('secure', site.backendTlsPort)}
  server {
    listen 127.0.0.1:${ports.plain} http2;
    location / { grpc_pass grpc://frames; }
    location /bench.Grpc/ { grpc_pass grpc://grpc; }
  }
  server {
    listen 127.0.0.1:${ports.tls} http2 ssl;
    ${certificate}
    location / { grpc_pass grpc://frames; }
  }
  server {
    listen 127.0.0.1:${ports.mtls} http2 ssl;
    ${certificate}
    ssl_client_certificate ${ca};
    ssl_verify_client on;
    location / {
      grpc_pass grpcs://secure;
      grpc_ssl_certificate ${client.certificate};
      grpc_ssl_certificate_key ${client.key};
      grpc_ssl_trusted_certificate ${ca};
      grpc_ssl_verify on;
      grpc_ssl_name bench.internal;
      grpc_ssl_protocols TLSv1.3;
    }
  }
}
`;
}
