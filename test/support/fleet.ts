// A whole installation of real processes for a test: control, the sample distributor, live-stores, and sidecars of one kind.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { formatHostPort, type HostPort } from '../../src/core/index.ts';
import { type QueriedMember, readReplicationSets } from '../../src/demo/querier/ring-reader.ts';
import type { Holding } from '../../src/demo/sample-data.ts';
import { RunningChild } from '../../src/demo/supervisor/child.ts';
import type { LoadTarget } from './load.ts';
import { freePorts } from './ports.ts';

/** What stands at every sidecar's place. */
export type SidecarKind = 'envoy' | 'ringway';

export interface FleetMember {
  readonly id: string;
  readonly zone: string;
  readonly holding: Holding;
  readonly advertised: HostPort;
  readonly local: HostPort;
  readonly http: HostPort;
}

/** What one member is; ports are chosen. */
export type MemberPlan = Pick<FleetMember, 'id' | 'zone' | 'holding'>;

/** RINGWAY_PROGRAM: another build of the program. */
const PROGRAM = resolve(process.env['RINGWAY_PROGRAM'] ?? 'dist/bin/ringway.js');
const READY_MS = 20_000;

/** Two zones × two partitions, as in `ringway up`. */
export function fourMembers(): MemberPlan[] {
  return [0, 1].flatMap((partition) => ['a', 'b'].map((zone) => memberPlan(zone, partition)));
}

export function memberPlan(
  zone: string,
  partition: number,
  more: Partial<MemberPlan> & { share?: number; shares?: number } = {},
): MemberPlan {
  const holding = { partition, partitions: 2, share: more.share ?? 0, shares: more.shares ?? 1 };
  return { id: more.id ?? `live-store-zone-${zone}-${partition}`, zone: `zone-${zone}`, holding };
}

/** Processes by name; every one that was started is ended by `stop`. */
export class Fleet {
  readonly kind: SidecarKind;
  readonly egress: HostPort;
  readonly ringUrl: string;
  readonly controlAdmin: string;
  readonly members: Map<string, FleetMember> = new Map();
  readonly #envoy: string;
  readonly #folder: string;
  readonly #xds: HostPort;
  readonly #configFile: string;
  readonly #distributor: HostPort;
  readonly #adminPorts = new Map<string, number>();
  readonly #running = new Map<string, RunningChild>();
  readonly #logs = new Map<string, string[]>();

  private constructor(kind: SidecarKind, envoy: string, folder: string, ports: readonly number[]) {
    const at = (i: number): HostPort => ({ host: '127.0.0.1', port: ports[i] as number });
    this.kind = kind;
    this.#envoy = envoy;
    this.#folder = folder;
    this.#xds = at(0);
    this.#distributor = at(1);
    this.egress = at(2);
    this.#adminPorts.set('egress', at(3).port);
    this.controlAdmin = `http://${formatHostPort(at(4))}`;
    this.ringUrl = `http://${formatHostPort(this.#distributor)}`;
    this.#configFile = join(folder, 'ringway.yaml');
  }

  /** Chooses ports and writes the configuration; starts nothing. `envoy` is the path of one, for that kind. */
  static async create(kind: SidecarKind, envoy: string): Promise<Fleet> {
    const folder = await mkdtemp(join(tmpdir(), 'ringway-fleet-'));
    const fleet = new Fleet(kind, envoy, folder, await freePorts(5));
    await writeFile(
      fleet.#configFile,
      `rings:
  live-store:
    sources:
      - tempo: { urls: ["${fleet.ringUrl}"], every: 500ms }
    allowedAddresses: ["127.0.0.0/8"]
control: { xds: { listen: "${formatHostPort(fleet.#xds)}" } }
admin: { listen: "${new URL(fleet.controlAdmin).host}" }
`,
    );
    return fleet;
  }

  /** Gives a member its ports; starts nothing. Again for the same id: new ports. */
  async plan(plan: MemberPlan): Promise<FleetMember> {
    const [advertised, local, http, admin] = await freePorts(4);
    const at = (port: number | undefined): HostPort => ({ host: '127.0.0.1', port: port as number });
    const member = { ...plan, advertised: at(advertised), local: at(local), http: at(http) };
    this.members.set(plan.id, member);
    this.#adminPorts.set(plan.id, admin as number);
    return member;
  }

  /** Everything, all at once, and ready. */
  async startAll(plans: readonly MemberPlan[]): Promise<void> {
    for (const plan of plans) await this.plan(plan);
    this.startControl();
    this.startDistributor(plans.length);
    await Promise.all([...this.members.keys()].map((id) => this.startInbound(id)));
    await this.startEgress();
    for (const id of this.members.keys()) this.startLiveStore(id);
    await this.waitServing([...this.members.keys()]);
  }

  startControl(): void {
    this.#ringway('control', ['control', '-c', this.#configFile]);
  }

  startDistributor(expect: number): void {
    this.#ringway('distributor', ['demo', 'distributor', '--listen', formatHostPort(this.#distributor), '--expect', String(expect)]);
  }

  startLiveStore(id: string): void {
    const { zone, holding, local, http, advertised } = this.#member(id);
    const who = ['--id', id, '--zone', zone, '--partition', String(holding.partition), '--partitions', String(holding.partitions)];
    const where = ['--listen', formatHostPort(local), '--http', formatHostPort(http), '--advertise', formatHostPort(advertised)];
    const how = ['--share', `${holding.share}/${holding.shares}`, '--multitenant'];
    this.#ringway(id, ['demo', 'live-store', ...who, ...where, '--ring', this.ringUrl, ...how]);
  }

  async startInbound(id: string): Promise<void> {
    const { advertised, local } = this.#member(id);
    const addresses = ['--listen', formatHostPort(advertised), '--local', formatHostPort(local)];
    await this.#sidecar(`inbound ${id}`, ['inbound', ...addresses, '--member', id, '--control', formatHostPort(this.#xds)], id);
  }

  async startEgress(): Promise<void> {
    const words = ['egress', '--listen', formatHostPort(this.egress), '--zone', 'zone-a', '--control', formatHostPort(this.#xds)];
    await this.#sidecar('egress', words, 'egress');
  }

  /** SIGKILL; resolves when it is gone. Names: control, distributor, egress, a member's id, `inbound <id>`. */
  async kill(name: string): Promise<void> {
    const child = this.#running.get(name);
    if (!child) throw new Error(`${name} does not run`);
    this.#running.delete(name);
    child.kill();
    await child.exited;
  }

  /** SIGTERM; resolves when it is gone. */
  async terminate(name: string): Promise<void> {
    const child = this.#running.get(name);
    if (!child) throw new Error(`${name} does not run`);
    this.#running.delete(name);
    child.terminate();
    await child.exited;
  }

  /** Leaves the ring and goes on answering, as a member does that queriers have not yet heard to be gone. */
  async leave(id: string): Promise<void> {
    await fetch(`http://${formatHostPort(this.#member(id).http)}/sample/leave`, { method: 'POST' });
  }

  /** Resolves when every one of these members answers through the egress. */
  async waitServing(ids: readonly string[], timeoutMs: number = READY_MS): Promise<void> {
    const { GrpcClient } = await import('../../src/demo/grpc/index.ts');
    const { askSearch } = await import('../../src/demo/querier/questions.ts');
    const client = new GrpcClient(this.egress);
    const deadline = performance.now() + timeoutMs;
    try {
      for (const id of ids) {
        const { advertised, holding } = this.#member(id);
        const { path, message } = askSearch(holding);
        const request = { path, message, authority: formatHostPort(advertised), metadata: { 'x-scope-orgid': 't' }, timeoutMs: 2_000 };
        for (let reply = await client.unary(request); reply.status !== 0; reply = await client.unary(request)) {
          if (performance.now() > deadline)
            throw new Error(`${id} does not answer: gRPC ${reply.status} ${reply.statusText}\n${this.logs()}`);
          await new Promise((wait) => setTimeout(wait, 50)); // the route comes over xDS: there is no event here to wait for
        }
      }
    } finally {
      client.close();
    }
  }

  /** Calls that reached live-stores so far, by method, members that answer only. */
  async backendCalls(method: string): Promise<number> {
    let sum = 0;
    for (const { http } of this.members.values()) {
      const response = await fetch(`http://${formatHostPort(http)}/sample/calls`).catch(() => undefined);
      if (response) sum += ((await response.json()) as Record<string, number>)[method] ?? 0;
    }
    return sum;
  }

  /** Admin page of a sidecar: `egress` or a member's id. */
  async sidecarAdmin(name: string, path: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.#adminPorts.get(name)}${path}`);
    return response.text();
  }

  /** The last lines of every process, for a failed test. */
  logs(): string {
    return [...this.#logs].map(([name, lines]) => [`--- ${name}`, ...lines.slice(-15)].join('\n')).join('\n');
  }

  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    this.#running.clear();
    for (const child of running) child.kill();
    await Promise.all(running.map((child) => child.exited));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #member(id: string): FleetMember {
    const member = this.members.get(id);
    if (!member) throw new Error(`no member ${id}`);
    return member;
  }

  async #sidecar(name: string, words: readonly string[], node: string): Promise<void> {
    const file = join(this.#folder, `${name.replaceAll(' ', '-')}.yaml`);
    const admin = ['--admin', `127.0.0.1:${this.#adminPorts.get(node)}`];
    await promisify(execFile)(process.execPath, [PROGRAM, 'bootstrap', ...words, ...admin, '--out', file]);
    // as the printed file and the README say: an egress sidecar needs no name of its own
    const who = node === 'egress' ? [] : ['--service-node', node];
    if (this.kind === 'ringway') return this.#ringway(name, ['sidecar', '-c', file, ...who]);
    const flags = [...who, '--use-dynamic-base-id', '--disable-hot-restart', '--concurrency', '1', '-l', 'warning'];
    this.#start(name, { name, program: this.#envoy, args: ['-c', file, ...flags], kind: 'foreign' });
  }

  #ringway(name: string, words: readonly string[]): void {
    this.#start(name, { name, program: process.execPath, args: [PROGRAM, ...words], kind: 'ringway' });
  }

  #start(name: string, spec: ConstructorParameters<typeof RunningChild>[0]): void {
    const lines: string[] = this.#logs.get(name) ?? [];
    this.#logs.set(name, lines);
    const child = new RunningChild(spec, { onLine: (line) => lines.push(line) });
    this.#running.set(name, child);
    void child.exited.then(({ how, lastWords }) => lines.push(`${how}: ${lastWords}`));
  }
}

/** What a querier knows: the ring as the sample distributor shows it. News can be kept from it, as gossip keeps them for a while. */
export class RingFollower {
  readonly #timer: NodeJS.Timeout;
  #targets: readonly LoadTarget[] = [];
  #hearsNews = true;

  constructor(fleet: Fleet) {
    const poll = async (): Promise<void> => {
      const sets = await readReplicationSets(fleet.ringUrl).catch(() => undefined);
      if (!sets) return;
      const targets = [...sets].flatMap(([, zones]) => [...zones.values()].flat().map((member) => targetOfMember(fleet, member)));
      if (this.#hearsNews) this.#targets = targets;
    };
    this.#timer = setInterval(() => void poll(), 200);
    void poll();
  }

  readonly targets = (): readonly LoadTarget[] => this.#targets;

  /** Whether news of the ring reach it from now on. */
  hearNews(does: boolean): void {
    this.#hearsNews = does;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function targetOfMember(fleet: Fleet, { id, address }: QueriedMember): LoadTarget {
  return { authority: address, topic: (fleet.members.get(id) as FleetMember).holding };
}
