import { RingwayError } from '../../src/core/index.ts';
import type { Member, MembershipSource, Partition, SourceReport } from '../../src/membership/types.ts';
import { settle } from './fake-clock.ts';
import { NOW_MS } from './membership.ts';

/** A source that says what the test says. */
export class ScriptedSource implements MembershipSource {
  readonly name: string;
  watches = 0;
  reloads = 0;
  #queue: SourceReport[] = [];
  #wake = (): void => {};

  constructor(name: string) {
    this.name = name;
  }

  async members(members: readonly Member[], warning?: string, asOfMs: number = NOW_MS): Promise<void> {
    const report: SourceReport = { kind: 'members', ring: 'live-store', members, partitions: [], asOfMs };
    await this.#say(warning === undefined ? report : { ...report, warning });
  }

  /** As who reads the ring itself. */
  async ring(members: readonly Member[], partitions: readonly Partition[]): Promise<void> {
    await this.#say({ kind: 'members', ring: 'live-store', members, partitions, asOfMs: NOW_MS });
  }

  async fails(message: string): Promise<void> {
    await this.#say({ kind: 'failed', error: new RingwayError(message, { code: 'TEST' }) });
  }

  reload(): void {
    this.reloads += 1;
  }

  async *watch(signal: AbortSignal): AsyncGenerator<SourceReport> {
    this.watches += 1;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    while (!signal.aborted) {
      const report = this.#queue.shift();
      if (report) yield report;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  async #say(report: SourceReport): Promise<void> {
    this.#queue.push(report);
    this.#wake();
    await settle();
  }
}
