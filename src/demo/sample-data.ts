// What the sample live-stores hold, by pure functions: anybody can say what the right answer is without asking.

/** Traces that a partition lists in searches and counts in metrics; any other id it owns can be found as well. */
export const LISTED_TRACES = 60;

const SERVICES = ['checkout', 'cart', 'payment', 'frontend', 'shipping'] as const;
const OPERATIONS = ['GET /', 'POST /orders', 'charge', 'reserve', 'render'] as const;

export interface SampleSpan {
  readonly spanId: Buffer;
  readonly parentSpanId: Buffer;
  readonly name: string;
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
}

export interface SampleTrace {
  /** 16 bytes. */
  readonly id: Buffer;
  readonly service: string;
  readonly spans: readonly SampleSpan[];
}

/** What one live-store holds: its partition and, where a partition is split within a zone, which share of it. */
export interface Holding {
  readonly partition: number;
  readonly partitions: number;
  /** 0 ≤ share < shares. */
  readonly share: number;
  /** 1 unless several owners of one zone split the partition. */
  readonly shares: number;
}

/** The partition that holds a trace. */
export function partitionOf(traceId: Uint8Array, partitions: number): number {
  return fnv1a(traceId) % partitions;
}

/** True when this live-store is one that answers for the trace. */
export function holds({ partition, partitions, share, shares }: Holding, traceId: Uint8Array): boolean {
  return traceId.length === 16 && partitionOf(traceId, partitions) === partition && (fnv1a(traceId) >>> 16) % shares === share;
}

/** The first `count` trace ids of a partition, always the same ones. */
export function traceIdsOf(partition: number, partitions: number, count: number): Buffer[] {
  const ids: Buffer[] = [];
  for (let n = 0; ids.length < count; n += 1) {
    const id = Buffer.alloc(16);
    id.write('ringway', 0, 'latin1');
    id.writeUInt32BE(n, 12);
    if (partitionOf(id, partitions) === partition) ids.push(id);
  }
  return ids;
}

/** The listed traces that one live-store holds. */
export function listedTraces(holding: Holding): SampleTrace[] {
  const ids = traceIdsOf(holding.partition, holding.partitions, LISTED_TRACES);
  return ids.filter((id) => holds(holding, id)).map(sampleTrace);
}

/** The content of a trace: 1 to 5 spans of one service, the first is the root. */
export function sampleTrace(id: Buffer): SampleTrace {
  const hash = fnv1a(id);
  const startUnixNano = 1_700_000_000_000_000_000n + BigInt(hash % 86_400) * 1_000_000_000n;
  const root = spanId(hash, 0);
  const spans = Array.from({ length: 1 + (hash % 5) }, (_, n): SampleSpan => {
    const start = startUnixNano + BigInt(n) * 1_000_000n;
    return {
      spanId: spanId(hash, n),
      parentSpanId: n === 0 ? Buffer.alloc(0) : root,
      name: OPERATIONS[(hash + n) % OPERATIONS.length] as string,
      startUnixNano: start,
      endUnixNano: start + BigInt(20 - n) * 1_000_000n,
    };
  });
  return { id, service: SERVICES[(hash >>> 8) % SERVICES.length] as string, spans };
}

/** Spans by service, as QueryRange counts them in each step. */
export function spanCounts(holding: Holding): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const trace of listedTraces(holding)) counts.set(trace.service, (counts.get(trace.service) ?? 0) + trace.spans.length);
  return counts;
}

/** The services of a live-store's listed traces, sorted: the values of `service.name`. */
export function serviceNames(holding: Holding): string[] {
  return [...spanCounts(holding).keys()].sort();
}

function spanId(hash: number, n: number): Buffer {
  const id = Buffer.alloc(8);
  id.writeUInt32BE(hash, 0);
  id.writeUInt32BE(n + 1, 4);
  return id;
}

/** FNV-1a, 32 bit. */
function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
