import type { Counter } from '../telemetry/index.ts';

/** Somebody whose octets count: one connection. */
export interface BudgetMember {
  /** Octets that wait in its streams' queues and in its socket. */
  readonly buffered: number;
  /** Lets go of many of them: resets the stream that holds most, or ends altogether. */
  relieve(): void;
}

/**
 * How many octets all connections of a process may hold because somebody does not read them. Above half of it every stream holds little
 * (its sender gets no more credit); above all of it whoever holds most is reset, as Envoy's overload action
 * `envoy.overload_actions.reset_high_memory_stream` does.
 */
export class BufferBudget {
  /** In octets. */
  readonly limit: number;
  readonly #resets: Counter | undefined;
  readonly #members = new Set<BudgetMember>();
  #used = 0;
  #isRelieving = false;

  /** `resets` counts streams and connections that were ended for it. */
  constructor(limit: number, resets?: Counter) {
    this.limit = limit;
    this.#resets = resets;
  }

  /** Octets held now. */
  get used(): number {
    return this.#used;
  }

  /** True when nobody should hold much. */
  get isCrowded(): boolean {
    return this.#used > this.limit / 2;
  }

  join(member: BudgetMember): void {
    this.#members.add(member);
  }

  /** Its octets were given back before. */
  leave(member: BudgetMember): void {
    this.#members.delete(member);
  }

  take(octets: number): void {
    this.#used += octets;
    if (this.#used <= this.limit || this.#isRelieving) return;
    this.#isRelieving = true;
    // whoever is queueing now is in the middle of something
    queueMicrotask(() => this.#relieve());
  }

  give(octets: number): void {
    this.#used -= octets;
  }

  #relieve(): void {
    this.#isRelieving = false;
    for (let one = this.#largest(); one !== undefined && this.#used > this.limit; one = this.#largest()) {
      one.relieve();
      this.#resets?.inc();
    }
  }

  #largest(): BudgetMember | undefined {
    let largest: BudgetMember | undefined;
    for (const member of this.#members) if (member.buffered > (largest?.buffered ?? 0)) largest = member;
    return largest;
  }
}

/** For connections that nobody gave a budget. */
export const UNLIMITED: BufferBudget = new BufferBudget(Number.POSITIVE_INFINITY);
