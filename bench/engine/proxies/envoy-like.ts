import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { findPeer, peerHint } from '../../../test/support/peers.ts';
import { freePorts } from '../../../test/support/ports.ts';
import { pin } from '../process.ts';
import { envoyConfig, type Features } from './envoy-config.ts';
import { live } from './ready.ts';
import type { ProxyKind, RunningProxy, StartOptions } from './types.ts';
import { versionOf } from './version.ts';

/** Envoy with one worker thread. */
export function envoyKind(features: Features): ProxyKind {
  const binary = findPeer('envoy');
  const flags = ['--concurrency', '1', '--use-dynamic-base-id', '--disable-hot-restart', '-l', 'error'];
  return {
    name: features === 'minimal' ? 'envoy' : 'envoyfull',
    title: features === 'minimal' ? 'Envoy' : "Envoy with Ringway's features",
    missing: () => (binary === undefined ? peerHint('envoy') : undefined),
    version: () => versionOf([binary as string, '--version']),
    start: (options) => start((config) => [binary as string, '-c', config, ...flags], features, options),
  };
}

/** Ringway's sidecar as a user starts it. */
export function ringwayKind(name: string, title: string, command: readonly [string, ...string[]]): ProxyKind {
  return {
    name,
    title,
    missing: () => undefined,
    version: () => versionOf([...command, 'version']),
    start: (options) => start((config) => [...command, 'sidecar', '-c', config], 'full', options),
  };
}

async function start(command: (config: string) => string[], features: Features, options: StartOptions): Promise<RunningProxy> {
  const [plain, tls, mtls, admin] = (await freePorts(4)) as [number, number, number, number];
  const ports = { plain, tls, mtls, admin };
  const config = join(options.folder, 'envoy.yaml');
  writeFileSync(config, stringify(envoyConfig(options, ports, features), { aliasDuplicateObjects: false }));
  const program = pin(options.core, command(config), { ...process.env, ...options.env });
  const address = `127.0.0.1:${admin}`;
  const readyMs = await live(program, address);
  return { pid: program.pid, readyMs, port: (door) => ports[door], admin: address, stop: () => program.stop() };
}
