import { type Clock, sleep } from '../../core/index.ts';
import type { Announcement } from '../ring/sample-ring.ts';

const HEARTBEAT_MS = 5_000;
const RETRY_MS = 250;
const REQUEST_TIMEOUT_MS = 2_000;

/** Tells the sample distributor every five seconds that a live-store is alive, where Tempo's would gossip. */
export class Announcer {
  readonly #ringUrl: string;
  readonly #clock: Clock;
  readonly #member: Omit<Announcement, 'state'>;
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(ringUrl: string, member: Omit<Announcement, 'state'>, clock: Clock) {
    this.#ringUrl = ringUrl;
    this.#member = member;
    this.#clock = clock;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Stops heartbeats; with `goodbye` leaves the ring as a graceful stop does, else it looks like a crash. Never throws. */
  async stop(goodbye: boolean): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    await this.#loop;
    if (!goodbye) return;
    await this.#post('/sample/announce', JSON.stringify({ ...this.#member, state: 'LEAVING' }));
    await this.#post(`/sample/leave?id=${encodeURIComponent(this.#member.id)}`, '');
  }

  async #run(): Promise<void> {
    const body = JSON.stringify({ ...this.#member, state: 'ACTIVE' });
    while (!this.#stop.signal.aborted) {
      const isHeard = await this.#post('/sample/announce', body);
      await sleep(this.#clock, isHeard ? HEARTBEAT_MS : RETRY_MS, this.#stop.signal);
    }
  }

  async #post(path: string, body: string): Promise<boolean> {
    try {
      const response = await fetch(new URL(path, this.#ringUrl), { method: 'POST', body, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false;
    }
  }
}
