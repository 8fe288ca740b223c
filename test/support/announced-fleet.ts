// The installation of `ringway up --nats` for a test: each process by its name, to be ended and started again at will.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Test } from 'tap';
import { formatHostPort } from '../../src/core/index.ts';
import { GrpcClient, type UnaryReply } from '../../src/demo/grpc/index.ts';
import { planInstallation, plannedChildren, sampleConfig } from '../../src/demo/index.ts';
import type { Installation } from '../../src/demo/installation.ts';
import { askSearch, type Topic } from '../../src/demo/querier/questions.ts';
import { RunningChild } from '../../src/demo/supervisor/child.ts';
import { GrpcStatus } from '../../src/grpc/index.ts';
import { Load, type LoadTarget } from './load.ts';
import { type NatsServer, natsServer } from './nats-server.ts';
import { freePorts } from './ports.ts';
import { until } from './with-fleet.ts';

const PROGRAM = resolve(process.env['RINGWAY_PROGRAM'] ?? 'dist/bin/ringway.js');

/** A member as control reports it. */
export interface ReportedMember {
  readonly id: string;
  readonly state: string;
  readonly eds: string;
  readonly reason: string;
  readonly partition: number | null;
  readonly heartbeatAgeMs: number | null;
}

/** Names: control, `egress sidecar`, a member's id (its live-store), `sidecar of <id>`. */
export class AnnouncedFleet {
  readonly plan: Installation;
  readonly nats: NatsServer;
  readonly #children: ReadonlyMap<string, readonly string[]>;
  readonly #running = new Map<string, RunningChild>();
  readonly #logs: string[] = [];

  constructor(plan: Installation, nats: NatsServer, configFile: string) {
    this.plan = plan;
    this.nats = nats;
    const children = plannedChildren(plan, configFile).filter(({ kind }) => kind !== 'querier');
    this.#children = new Map(children.map(({ name, kind, words }) => [name, kind === 'sidecar' ? ['sidecar', ...words] : words]));
  }

  /** Starts everything; resolves when every member answers for itself. */
  async startAll(): Promise<void> {
    for (const name of this.#children.keys()) this.start(name);
    await until(
      async () => (await this.members()).filter(({ state }) => state === 'ACTIVE').length === this.plan.members.length,
      'all ACTIVE',
    );
    const client = new GrpcClient(this.plan.egress);
    await until(async () => {
      const replies = await Promise.all(this.#targets().map(({ authority, topic }) => ask(client, authority, topic)));
      return replies.every(({ status }) => status === GrpcStatus.OK);
    }, 'every member answers');
    client.close();
  }

  /** `more`: further words of its command line. */
  start(name: string, more: readonly string[] = []): void {
    const words = this.#children.get(name);
    if (!words) throw new Error(`there is no ${name}`);
    const child = new RunningChild(
      { name, kind: 'ringway', program: '/bin/sh', args: ['-c', 'exec "$0" "$@" 2>&1', process.execPath, PROGRAM, ...words, ...more] },
      { onLine: (line) => this.#logs.push(`${name}: ${line}`) },
    );
    this.#running.set(name, child);
  }

  async kill(name: string): Promise<void> {
    const child = this.#take(name);
    child.kill();
    await child.exited;
  }

  async terminate(name: string): Promise<void> {
    const child = this.#take(name);
    child.terminate();
    await child.exited;
  }

  /** The ring as control has it, without those that left and are only routed still; empty while control does not answer. */
  async members(): Promise<readonly ReportedMember[]> {
    const response = await fetch(`http://${formatHostPort(this.plan.controlAdmin)}/api/rings/live-store`).catch(() => undefined);
    if (!response?.ok) return [];
    const { members } = (await response.json()) as { members: ReportedMember[] };
    return members.filter(({ state }) => state !== 'LEFT');
  }

  /** `/clusters` of the egress sidecar. */
  async egressClusters(): Promise<string> {
    return (await fetch(`http://${formatHostPort(this.plan.egressAdmin)}/clusters`)).text();
  }

  async stands(id: string, state: string): Promise<void> {
    await until(async () => ((await this.members()).find((member) => member.id === id)?.state ?? '-') === state, `${id} is ${state}`);
  }

  /** Calls through the egress to every member, whatever the ring says. */
  load(ratePerSecond: number): Load {
    const targets = this.#targets();
    return new Load({ egress: this.plan.egress, ratePerSecond, targets: () => targets });
  }

  /** Ends a load and asserts that no call failed, but for what a live-store itself says while it stops: a querier asks another zone then. */
  async stopsClean(t: Test, load: Load): Promise<void> {
    const { failures, failed, sent } = await load.stop();
    const wrong = failures.filter(({ status, text }) => status !== GrpcStatus.UNKNOWN || text !== 'live-store is stopping');
    t.strictSame(
      wrong,
      [],
      `${sent} calls, ${failed} told that a live-store stops`,
      wrong.length > 0 ? { logs: this.#logs.slice(-60) } : {},
    );
    t.ok(failed < 20, 'and those are few');
  }

  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    this.#running.clear();
    for (const child of running) child.kill();
    await Promise.all(running.map((child) => child.exited));
  }

  #targets(): LoadTarget[] {
    const { members, partitions } = this.plan;
    return members.map(({ advertised, partition }) => ({ authority: formatHostPort(advertised), topic: { partition, partitions } }));
  }

  #take(name: string): RunningChild {
    const child = this.#running.get(name);
    if (!child) throw new Error(`${name} does not run`);
    this.#running.delete(name);
    return child;
  }
}

/** A fleet of two zones × two partitions on a nats-server of its own, that serves; undefined when there is none. Ends with the test. */
export async function announcedFleet(t: Test): Promise<AnnouncedFleet | undefined> {
  const nats = await natsServer(t);
  if (!nats) return undefined;
  await nats.start();
  const folder = await mkdtemp(join(tmpdir(), 'ringway-announced-'));
  const planned = planInstallation({ zones: 2, portOffset: 0, nats: [nats.url] });
  const plan = await onFreePorts(planned);
  const configFile = join(folder, 'ringway.yaml');
  await writeFile(configFile, sampleConfig(plan));
  const fleet = new AnnouncedFleet(plan, nats, configFile);
  t.teardown(async () => {
    await fleet.stop();
    await rm(folder, { recursive: true, force: true });
  });
  await fleet.startAll();
  return fleet;
}

function ask(client: GrpcClient, authority: string, topic: Topic): Promise<UnaryReply> {
  const { path, message } = askSearch(topic);
  return client.unary({ path, message, authority, metadata: { 'x-scope-orgid': 't' }, timeoutMs: 2_000 });
}

async function onFreePorts(plan: Installation): Promise<Installation> {
  const ports = await freePorts(4 + 4 * plan.members.length);
  const next = (): { host: string; port: number } => ({ host: '127.0.0.1', port: ports.pop() as number });
  const members = plan.members.map((member) => ({ ...member, advertised: next(), local: next(), sidecarAdmin: next(), http: next() }));
  return { ...plan, members, xds: next(), controlAdmin: next(), egress: next(), egressAdmin: next() };
}
