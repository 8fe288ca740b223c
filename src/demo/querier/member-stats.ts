/** Calls to one member so far. */
export interface MemberReport {
  readonly requests: number;
  readonly errors: number;
  /** Of the last 500 calls; 0 before the first. */
  readonly p99Ms: number;
}

const WINDOW = 500;

/** Counts calls to members and remembers their newest latencies. */
export class MemberStats {
  readonly #members = new Map<string, { requests: number; errors: number; tookMs: number[] }>();

  record(id: string, call: { readonly isOk: boolean; readonly tookMs: number }): void {
    const stats = this.#members.get(id) ?? { requests: 0, errors: 0, tookMs: [] };
    this.#members.set(id, stats);
    stats.tookMs[stats.requests % WINDOW] = call.tookMs;
    stats.requests += 1;
    if (!call.isOk) stats.errors += 1;
  }

  clear(): void {
    this.#members.clear();
  }

  report(): Readonly<Record<string, MemberReport>> {
    return Object.fromEntries(
      [...this.#members].map(([id, { requests, errors, tookMs }]) => [id, { requests, errors, p99Ms: quantile(tookMs, 0.99) }]),
    );
  }
}

/** Nearest-rank quantile (0…1); 0 of nothing. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] as number;
}
