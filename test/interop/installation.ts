// Processes between which real gRPC calls go: servers in Go, sidecars of one kind, control. All end with the test.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Test } from 'tap';
import { loadConfig } from '../../src/config/index.ts';
import { formatHostPort, type HostPort, systemClock, systemRandom } from '../../src/core/index.ts';
import { RunningChild } from '../../src/demo/supervisor/child.ts';
import { bootstrapYaml, egressBootstrap, inboundBootstrap } from '../../src/proxy/bootstrap/index.ts';
import { createControl } from '../../src/roles/control.ts';
import { silentLogger } from '../../src/telemetry/index.ts';
import { peer } from '../support/peers.ts';
import { freePorts } from '../support/ports.ts';

/** At whose end all that it started ends: a test, or a command's own. */
export type Scope = Pick<Test, 'teardown'>;

/** What stands at every sidecar's place. */
export type SidecarKind = 'envoy' | 'ringway';

/** RINGWAY_PROGRAM: another build of the program. */
const PROGRAM = resolve(process.env['RINGWAY_PROGRAM'] ?? 'dist/bin/ringway.js');
const READY_MS = 20_000;
const RING = 'live-store';
const AT_LOOPBACK = '127.0.0.1';

/** The command line of our own sidecar before `-c file`. */
export function ringwayProgram(): Program {
  return [process.execPath, PROGRAM, 'sidecar'];
}

/** The command line before `-c file` of a kind of sidecar; undefined when it cannot be had and the test was skipped. */
export function sidecarProgram(t: Test, kind: SidecarKind): readonly [string, ...string[]] | undefined {
  if (kind === 'ringway') return ringwayProgram();
  const envoy = peer(t, 'envoy');
  return envoy === undefined ? undefined : [envoy, '--use-dynamic-base-id', '--disable-hot-restart', '--concurrency', '1', '-l', 'error'];
}

/** A process of the installation. */
export interface Process {
  readonly pid: number;
  /** Rejects when it ends, with how and its last words. */
  readonly gone: Promise<never>;
}

/** A server in Go: a live-store as the calls see it. */
export async function startServer(t: Scope, interop: string, args: readonly string[] = []): Promise<HostPort> {
  const firstLine = Promise.withResolvers<string>();
  const child = start(t, { name: 'server', program: interop, args: ['server', ...args], kind: 'foreign' }, firstLine.resolve);
  const { port } = JSON.parse(await Promise.race([firstLine.promise, child.gone])) as { port: number };
  return { host: AT_LOOPBACK, port };
}

/** A sidecar that serves. */
export interface Sidecar extends Process {
  /** Where it listens. */
  readonly address: HostPort;
}

export type Program = readonly [string, ...string[]];

/** The sidecar beside a server, by the bootstrap that `ringway bootstrap inbound` prints. */
export async function startInbound(t: Scope, program: Program, local: HostPort): Promise<Sidecar> {
  const [listen, admin] = await twoAddresses();
  return startSidecar(t, program, 'inbound', bootstrapYaml(inboundBootstrap({ ring: RING, listen, local, admin })), { listen, admin });
}

/** The sidecar beside a querier: all it knows comes from a control server that is told these members, one a zone, all of partition 0. */
export async function startEgress(t: Scope, program: Program, members: readonly HostPort[]): Promise<Sidecar> {
  const lines = members.map((at, zone) => `- {id: live-store-${zone}, address: "${formatHostPort(at)}", zone: zone-${zone}, partition: 0}`);
  const folder = await folderOf(t, { 'members.yaml': `${lines.join('\n')}\n` });
  return startEgressOf(t, program, { static: { file: join(folder, 'members.yaml') } });
}

/** The same with a ring that control reads from this source, as ringway.yaml has it. */
export async function startEgressOf(t: Scope, program: Program, source: Readonly<Record<string, unknown>>): Promise<Sidecar> {
  const control = await startControl(t, source);
  const [listen, admin] = await twoAddresses();
  const bootstrap = egressBootstrap({ ring: RING, listen, control, admin, nodeId: 'querier', zone: 'zone-0' });
  return startSidecar(t, program, 'egress', bootstrapYaml(bootstrap), { listen, admin });
}

/** A sidecar by any bootstrap that listens and has its admin interface there. */
export async function startSidecar(
  t: Scope,
  [executable, ...words]: Program,
  name: string,
  bootstrap: string,
  { listen, admin }: { readonly listen: HostPort; readonly admin: HostPort },
): Promise<Sidecar> {
  const folder = await folderOf(t, { 'envoy.yaml': bootstrap });
  const isOurs = executable === process.execPath;
  const args = [...words, '-c', join(folder, 'envoy.yaml')];
  const child = start(t, { name, program: executable, args, kind: isOurs ? 'ringway' : 'foreign' }, () => {});
  const ready = async (): Promise<boolean> => (await fetch(`http://${formatHostPort(admin)}/ready`)).status === 200;
  await Promise.race([eventually(ready, `${name} is ready`), child.gone]);
  return { ...child, address: listen };
}

async function startControl(t: Scope, source: Readonly<Record<string, unknown>>): Promise<HostPort> {
  const folder = await folderOf(t, {
    'ringway.yaml': `rings:
  ${RING}:
    sources: [${JSON.stringify(source)}]
    allowedAddresses: ["127.0.0.0/8"]
control: {xds: {listen: "127.0.0.1:0"}}
admin: {listen: "127.0.0.1:0"}
`,
  });
  const configFile = join(folder, 'ringway.yaml');
  const deps = { clock: systemClock, random: systemRandom, environment: {}, logger: silentLogger };
  const control = createControl({ config: await loadConfig(configFile), configFile, probe: null }, deps);
  await control.start();
  t.teardown(() => control.stop());
  return { host: AT_LOOPBACK, port: Number(new URL(`http://${control.addresses.xds}`).port) };
}

/** A folder with these files; gone after the test. */
export async function folderOf(t: Scope, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ringway-interop-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

export async function twoAddresses(): Promise<[HostPort, HostPort]> {
  const [first = 0, second = 0] = await freePorts(2);
  return [
    { host: AT_LOOPBACK, port: first },
    { host: AT_LOOPBACK, port: second },
  ];
}

/** Starts a process that is killed after the test. */
export function start(t: Scope, spec: ConstructorParameters<typeof RunningChild>[0], onLine: (line: string) => void): Process {
  const child = new RunningChild(spec, { onLine });
  t.teardown(async () => {
    child.kill();
    await child.exited;
  });
  const gone = child.exited.then(({ how, lastWords }): never => {
    throw new Error(`${spec.name}: ${how}: ${lastWords}`);
  });
  gone.catch(() => {}); // after the test nobody waits for it any more
  return { pid: child.pid, gone };
}

/** Asks another process again and again, as it has no event to wait for. */
export async function eventually(test: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + READY_MS;
  while (!(await test().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`not within ${READY_MS} ms: ${what}`);
    await new Promise((wait) => setTimeout(wait, 20));
  }
}
