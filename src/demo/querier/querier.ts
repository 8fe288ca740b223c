import { type Clock, type HostPort, messageOf, type Random, type Service, sleep } from '../../core/index.ts';
import { GrpcStatus, HEALTH_CHECK_METHOD, parseHealthResponse } from '../../grpc/index.ts';
import { GrpcClient } from '../grpc/index.ts';
import { type MemberReport, MemberStats } from './member-stats.ts';
import { type Question, question } from './questions.ts';
import type { QueriedMember, ReadRing, ReplicationSets } from './ring-reader.ts';

export interface QuerierOptions {
  /** Where every call goes; the ring's address of the member is the :authority. */
  readonly egress: HostPort;
  /** Where it reads who owns what, anew each round. */
  readonly readRing: ReadRing;
  /** How many partitions there must be: fewer in the ring means that it is not whole yet. */
  readonly partitions: number;
  readonly tenant: string;
}

/** One line of the querier's report. */
export interface QuerierReport {
  /** `waiting` until one round answered every partition; what failed before that is not counted. */
  readonly phase: 'waiting' | 'ready';
  /** Questions asked and questions no zone answered rightly, since `ready`. */
  readonly queries: number;
  readonly failed: number;
  /** The newest failure of a query; '' without any. */
  readonly lastError: string;
  readonly members: Readonly<Record<string, MemberReport>>;
}

/** A line of the querier's stdout; null for anything else. */
export function readReport(line: string): QuerierReport | null {
  try {
    const report = JSON.parse(line) as QuerierReport;
    return typeof report === 'object' && report !== null && 'phase' in report ? report : null;
  } catch {
    return null;
  }
}

const ROUND_MS = 1_000;
const FIRST_ROUNDS_MS = 100;
const HEALTH_EVERY_ROUNDS = 15;
/** Tempo's querier.search.query_timeout is 30 s and trace_by_id's 10 s. */
const QUERY_TIMEOUT_MS = 10_000;
const HEALTH_TIMEOUT_MS = 1_000;

/**
 * Asks every partition once a second as Tempo's querier does: one zone first, all its owners, the next zone on any error; one connection
 * a member, a health check every 15 s. Checks every answer.
 */
export class SampleQuerier implements Service {
  readonly name = 'sample querier';
  readonly #options: QuerierOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #onReport: (report: QuerierReport) => void;
  readonly #stop = new AbortController();
  readonly #clients = new Map<string, GrpcClient>();
  readonly #stats = new MemberStats();
  #loop: Promise<void> = Promise.resolve();
  #phase: QuerierReport['phase'] = 'waiting';
  #queries = 0;
  #failed = 0;
  #lastError = '';

  constructor(options: QuerierOptions, onReport: (report: QuerierReport) => void, clock: Clock, random: Random) {
    this.#options = options;
    this.#onReport = onReport;
    this.#clock = clock;
    this.#random = random;
  }

  start(): Promise<void> {
    this.#loop = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let round = 0; !signal.aborted; round += 1) {
      const startedMs = this.#clock.monotonicMs();
      await this.#round(round);
      const { phase, members } = { phase: this.#phase, members: this.#stats.report() };
      this.#onReport({ phase, queries: this.#queries, failed: this.#failed, lastError: this.#lastError, members });
      const everyMs = phase === 'ready' ? ROUND_MS : FIRST_ROUNDS_MS;
      await sleep(this.#clock, Math.max(0, everyMs - (this.#clock.monotonicMs() - startedMs)), signal);
    }
  }

  async #round(round: number): Promise<void> {
    const failures: string[] = [];
    try {
      const sets = await this.#options.readRing();
      if (sets.size < this.#options.partitions) failures.push(`the ring has ${sets.size} of ${this.#options.partitions} partitions`);
      this.#forgetGone(sets);
      if (this.#phase === 'ready' && round % HEALTH_EVERY_ROUNDS === 0) await this.#checkHealth(sets);
      const outcomes = await Promise.all([...sets].map(([partition, zones]) => this.#ask(partition, zones, round)));
      failures.push(...outcomes.filter((outcome) => outcome !== ''));
      this.#queries += sets.size;
    } catch (error) {
      failures.push(`ring: ${messageOf(error)}`);
      this.#queries += 1;
    }
    this.#failed += failures.length;
    if (failures.length > 0) this.#lastError = failures[0] as string;
    if (this.#phase === 'waiting') this.#leaveWaiting(failures.length === 0);
  }

  #leaveWaiting(isReady: boolean): void {
    this.#queries = 0;
    this.#failed = 0;
    this.#stats.clear();
    if (!isReady) return;
    this.#phase = 'ready';
    this.#lastError = '';
  }

  /** '' when a zone answered rightly, else why none did. */
  async #ask(partition: number, zones: ReadonlyMap<string, readonly QueriedMember[]>, round: number): Promise<string> {
    const asked = question({ partition, partitions: this.#options.partitions }, round);
    const order = [...zones.values()].map((owners) => ({ owners, rank: this.#random() })).sort((a, b) => a.rank - b.rank);
    let reason = `partition ${partition}: too many unhealthy instances in the ring`;
    for (const { owners } of order) {
      reason = await this.#askZone(asked, owners);
      if (reason === '') return '';
    }
    return reason;
  }

  async #askZone(asked: Question, owners: readonly QueriedMember[]): Promise<string> {
    const replies = await Promise.all(owners.map((owner) => this.#call(owner, asked)));
    const bad = replies.find((reply) => reply.reason !== '');
    if (bad) return bad.reason;
    const wrong = asked.check(replies.map((reply) => reply.message));
    return wrong === '' ? '' : `${asked.path} of ${owners.map((owner) => owner.id).join('+')}: ${wrong}`;
  }

  async #call(owner: QueriedMember, asked: Question): Promise<{ reason: string; message: Uint8Array }> {
    const reply = await this.#client(owner.address).unary({
      path: asked.path,
      authority: owner.address,
      message: asked.message,
      metadata: { 'x-scope-orgid': this.#options.tenant },
      timeoutMs: QUERY_TIMEOUT_MS,
    });
    this.#stats.record(owner.id, { isOk: reply.status === GrpcStatus.OK, tookMs: reply.tookMs });
    const reason = reply.status === GrpcStatus.OK ? '' : `${asked.path} of ${owner.id}: gRPC ${reply.status} ${reply.statusText}`;
    return { reason, message: reply.message };
  }

  /** A check that fails or says NOT_SERVING closes the member's connection, as Tempo's client pool does. */
  async #checkHealth(sets: ReplicationSets): Promise<void> {
    const members = [...sets.values()].flatMap((zones) => [...zones.values()].flat());
    await Promise.all(
      members.map(async ({ address }) => {
        const metadata = { 'x-scope-orgid': '0' };
        const request = {
          path: HEALTH_CHECK_METHOD,
          authority: address,
          message: new Uint8Array(0),
          metadata,
          timeoutMs: HEALTH_TIMEOUT_MS,
        };
        const reply = await this.#client(address).unary(request);
        if (reply.status !== GrpcStatus.OK || parseHealthResponse(reply.message) !== 'SERVING') this.#drop(address);
      }),
    );
  }

  #client(address: string): GrpcClient {
    const known = this.#clients.get(address);
    if (known) return known;
    const client = new GrpcClient(this.#options.egress);
    this.#clients.set(address, client);
    return client;
  }

  #forgetGone(sets: ReplicationSets): void {
    const present = new Set([...sets.values()].flatMap((zones) => [...zones.values()].flat().map((member) => member.address)));
    for (const address of this.#clients.keys()) if (!present.has(address)) this.#drop(address);
  }

  #drop(address: string): void {
    this.#clients.get(address)?.close();
    this.#clients.delete(address);
  }
}
