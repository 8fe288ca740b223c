import type { Clock, Timer } from '../../core/index.ts';
import type { TypeUrl } from '../../xds/types.ts';

/** `initial_fetch_timeout` unless the ConfigSource says otherwise (config/core/v3/config_source.proto). */
const DEFAULT_TIMEOUT_MS = 15_000;
/** The name under which the answer of a wildcard subscription is awaited. */
export const WHOLE_TYPE = '*';

/** Which subscriptions have not been answered so far. One that is never answered is given up after its time: what waits goes on without. */
export class FirstAnswers {
  readonly #clock: Clock;
  readonly #onTimeout: (typeUrl: TypeUrl, name: string) => void;
  /** A timer while awaited; null without limit; 'answered' or 'given up' after. */
  readonly #subscriptions = new Map<string, Timer | null | 'over'>();

  constructor(clock: Clock, onTimeout: (typeUrl: TypeUrl, name: string) => void) {
    this.#clock = clock;
    this.#onTimeout = onTimeout;
  }

  /** A subscription begins, unless it is known. `timeoutMs` 0 waits for ever. */
  expect(typeUrl: TypeUrl, name: string, timeoutMs: number = DEFAULT_TIMEOUT_MS): void {
    const key = keyOf(typeUrl, name);
    if (this.#subscriptions.has(key)) return;
    const giveUp = (): void => {
      this.#subscriptions.set(key, 'over');
      this.#onTimeout(typeUrl, name);
    };
    this.#subscriptions.set(key, timeoutMs === 0 ? null : this.#clock.after(timeoutMs, giveUp));
  }

  /** The server answered: with the resource, or that there is none. */
  settle(typeUrl: TypeUrl, name: string): void {
    const key = keyOf(typeUrl, name);
    const known = this.#subscriptions.get(key);
    if (known === undefined) return;
    cancel(known);
    this.#subscriptions.set(key, 'over');
  }

  /** True from `expect` until an answer or the time-out. */
  isPending(typeUrl: TypeUrl, name: string): boolean {
    const known = this.#subscriptions.get(keyOf(typeUrl, name));
    return known !== undefined && known !== 'over';
  }

  /** Ends the subscriptions of a type whose names are not in `wanted`; asked for again, they are awaited again. */
  retain(typeUrl: TypeUrl, wanted: ReadonlySet<string>): void {
    for (const [key, known] of this.#subscriptions) {
      const name = key.slice(typeUrl.length + 1);
      if (!key.startsWith(`${typeUrl}\n`) || name === WHOLE_TYPE || wanted.has(name)) continue;
      cancel(known);
      this.#subscriptions.delete(key);
    }
  }

  /** Cancels every timer. */
  stop(): void {
    for (const known of this.#subscriptions.values()) cancel(known);
    this.#subscriptions.clear();
  }
}

function keyOf(typeUrl: TypeUrl, name: string): string {
  return `${typeUrl}\n${name}`;
}

function cancel(known: Timer | null | 'over'): void {
  if (known !== null && known !== 'over') known.cancel();
}
