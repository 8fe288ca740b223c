// Open-loop load: requests leave when they are due, whatever becomes of those before. Failures are counted by gRPC status.
// Only a machine that cannot keep up is spared: with too many under way, the next ones wait.
import { parseDurationMs, parseFlags } from '../../src/cli/flags.ts';
import { type HostPort, parseHostPort } from '../../src/core/index.ts';
import { GrpcClient, type UnaryReply } from '../../src/demo/grpc/index.ts';
import { quantile } from '../../src/demo/querier/member-stats.ts';
import { type Question, question, type Topic } from '../../src/demo/querier/questions.ts';

/** A member to ask, by what the ring says its address is. */
export interface LoadTarget {
  readonly authority: string;
  readonly topic: Topic;
}

export interface LoadOptions {
  readonly egress: HostPort;
  readonly ratePerSecond: number;
  /** Asked at every request: members may come and go. */
  readonly targets: () => readonly LoadTarget[];
  /** The request number `n` to a target; the sample querier's questions in turn unless given. */
  readonly ask?: (target: LoadTarget, n: number) => Question;
  readonly metadata?: Readonly<Record<string, string>>;
  /** 4 unless given. */
  readonly connections?: number;
  /** 10 s unless given. */
  readonly timeoutMs?: number;
  /** Calls that may be under way at once; 64 unless given: at 500 a second and 10 ms each there are five. */
  readonly maxPending?: number;
}

export interface LoadFailure {
  readonly atMs: number;
  readonly authority: string;
  readonly path: string;
  readonly status: number;
  readonly text: string;
}

export interface LoadReport {
  readonly sent: number;
  /** Calls a second, as it really was. */
  readonly ratePerSecond: number;
  /** How many calls ended with each gRPC status. */
  readonly byStatus: Readonly<Record<number, number>>;
  /** Calls that did not end with OK, or whose answer was wrong (status 0): the first 20. */
  readonly failures: readonly LoadFailure[];
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Calls by authority. */
  readonly byAuthority: Readonly<Record<string, number>>;
}

const TICK_MS = 5;

/** A running load. */
export class Load {
  readonly #options: LoadOptions;
  readonly #clients: GrpcClient[];
  readonly #timer: NodeJS.Timeout;
  readonly #startedMs = performance.now();
  readonly #pending = new Set<Promise<void>>();
  readonly #byStatus: Record<number, number> = {};
  readonly #byAuthority: Record<string, number> = {};
  readonly #failures: LoadFailure[] = [];
  readonly #tookMs: number[] = [];
  #failed = 0;
  #sent = 0;
  #due = 0;
  #tickedMs: number = performance.now();

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#clients = Array.from({ length: options.connections ?? 4 }, () => new GrpcClient(options.egress));
    this.#timer = setInterval(() => this.#sendDue(), TICK_MS);
  }

  /** Calls that have ended so far. */
  get ended(): number {
    return this.#tookMs.length;
  }

  /** Sends no more, waits for what is under way, and closes. */
  async stop(): Promise<LoadReport> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
    for (const client of this.#clients) client.close();
    return {
      sent: this.#sent,
      ratePerSecond: Math.round((1000 * this.#sent) / (performance.now() - this.#startedMs)),
      byStatus: this.#byStatus,
      failures: this.#failures,
      failed: this.#failed,
      p50Ms: quantile(this.#tookMs, 0.5),
      p99Ms: quantile(this.#tookMs, 0.99),
      maxMs: Math.max(0, ...this.#tookMs),
      byAuthority: this.#byAuthority,
    };
  }

  #sendDue(): void {
    const { ratePerSecond, maxPending = 64 } = this.#options;
    const now = performance.now();
    this.#due += ((now - this.#tickedMs) / 1000) * ratePerSecond;
    this.#tickedMs = now;
    while (this.#due >= 1 && this.#pending.size < maxPending) {
      this.#due -= 1;
      const n = this.#sent;
      this.#sent += 1;
      const call: Promise<void> = this.#send(n).finally(() => this.#pending.delete(call));
      this.#pending.add(call);
    }
    this.#due = Math.min(this.#due, 1); // what could not leave in time is not made up for
  }

  async #send(n: number): Promise<void> {
    const targets = this.#options.targets();
    const target = targets[n % targets.length];
    if (!target) return;
    // Not n itself: its remainder would tie each target to some of the questions.
    const asked = (this.#options.ask ?? ((to, i) => question(to.topic, i)))(target, Math.floor(n / targets.length));
    const client = this.#clients[n % this.#clients.length] as GrpcClient;
    const reply = await client.unary({
      path: asked.path,
      authority: target.authority,
      message: asked.message,
      metadata: { 'x-scope-orgid': 'single-tenant', ...this.#options.metadata },
      timeoutMs: this.#options.timeoutMs ?? 10_000,
    });
    this.#record(target, asked, reply);
  }

  #record(target: LoadTarget, asked: Question, reply: UnaryReply): void {
    this.#tookMs.push(reply.tookMs);
    this.#byStatus[reply.status] = (this.#byStatus[reply.status] ?? 0) + 1;
    this.#byAuthority[target.authority] = (this.#byAuthority[target.authority] ?? 0) + 1;
    const text = reply.status === 0 ? asked.check([reply.message]) : reply.statusText;
    if (reply.status === 0 && text === '') return;
    this.#failed += 1;
    const atMs = Math.round(performance.now() - this.#startedMs);
    if (this.#failures.length < 20)
      this.#failures.push({ atMs, authority: target.authority, path: asked.path, status: reply.status, text });
  }
}

/** The report in a few lines, for a failed test. */
export function describeReport(report: LoadReport): string {
  const failures = report.failures.map((f) => `  +${f.atMs} ms ${f.authority} ${f.path}: ${f.status} ${f.text}`);
  return [
    `sent ${report.sent} (${report.ratePerSecond}/s), failed ${report.failed}, by status ${JSON.stringify(report.byStatus)}, by authority ${JSON.stringify(report.byAuthority)}`,
    `p50 ${report.p50Ms.toFixed(1)} ms, p99 ${report.p99Ms.toFixed(1)} ms, max ${report.maxMs.toFixed(0)} ms`,
    ...failures,
  ].join('\n');
}

// By hand: node test/support/load.ts --egress 127.0.0.1:9096 --authority 127.0.0.1:9111 --rate 500 --duration 10s
if (import.meta.main) {
  const { values } = parseFlags(process.argv.slice(2), {
    egress: { type: 'string', default: '127.0.0.1:9096' },
    authority: { type: 'string', multiple: true, default: ['127.0.0.1:9111', '127.0.0.1:9112', '127.0.0.1:9113', '127.0.0.1:9114'] },
    partition: { type: 'string', multiple: true, default: ['0', '0', '1', '1'] },
    rate: { type: 'string', default: '500' },
    duration: { type: 'string', default: '10s' },
  });
  const targets = values.authority.map((authority, i) => ({
    authority,
    topic: { partition: Number(values.partition[i] ?? 0), partitions: 2 },
  }));
  const load = new Load({ egress: parseHostPort(values.egress), ratePerSecond: Number(values.rate), targets: () => targets });
  await new Promise((resolve) => setTimeout(resolve, parseDurationMs('--duration', values.duration)));
  console.log(describeReport(await load.stop()));
}
