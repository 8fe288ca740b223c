/** What a proxy is asked for, and what its share of Envoy's CPU time per request may be. */
export interface Load {
  readonly name: string;
  readonly title: string;
  readonly door: Door;
  /** grpc-go on both ends, or frames by our own programs. */
  readonly ends: 'frames' | 'grpc-go';
  readonly connections: number;
  /** Calls at once on each connection. */
  readonly streams: number;
  /** Open loop: calls a second on all connections together. */
  readonly rate?: number;
  /** A grpc-timeout and a traceparent of its own for each call. */
  readonly varying?: true;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** The response is the request. */
  readonly echo?: true;
  readonly must?: number;
  readonly aim?: number;
}

/** Ways into a proxy: plaintext, TLS (and plaintext behind), TLS with client certificates on both sides. */
export type Door = 'plain' | 'tls' | 'mtls';

const unary = { door: 'plain', ends: 'frames', requestBytes: 100, responseBytes: 200 } as const;
const few = { connections: 4, streams: 10 };
const many = { connections: 50, streams: 1 };
const MULTIPLEXED = { must: 0.4, aim: 0.25 };
const SPREAD = { must: 0.5, aim: 0.35 };
const LARGE = { must: 0.6, aim: 0.4 };
const RATE = { must: 0.6, aim: 0.45 };
const GRPC = { must: 0.6, aim: 0.4 };
const TLS = { must: 0.7, aim: 0.5 };

export const LOADS: readonly Load[] = [
  { ...unary, ...few, ...MULTIPLEXED, name: 'a1', title: 'unary 4 × 10, constant headers' },
  { ...unary, ...many, ...SPREAD, name: 'a2', title: 'unary 50 × 1, constant headers' },
  { ...unary, ...few, ...MULTIPLEXED, name: 'v1', title: 'unary 4 × 10, varying headers', varying: true },
  { ...unary, ...many, ...SPREAD, name: 'v2', title: 'unary 50 × 1, varying headers', varying: true },
  { ...unary, ...LARGE, name: 'b', title: '64 KiB responses 4 × 4', connections: 4, streams: 4, requestBytes: 1024, responseBytes: 65_536 },
  { ...unary, ...LARGE, name: 'c', title: '1 MiB responses 2 × 2', connections: 2, streams: 2, responseBytes: 1_048_576 },
  { ...unary, ...few, ...MULTIPLEXED, name: 'd', title: '4 KiB requests 4 × 10', requestBytes: 4096 },
  { ...unary, ...few, ...RATE, name: 'r', title: '2,000 a second, varying headers', rate: 2000, varying: true },
  { ...unary, name: 's1', title: 'one call at a time', connections: 1, streams: 1 },
  { ...unary, ...few, ...GRPC, name: 'g1', title: 'grpc-go on both ends, unary 4 × 10', ends: 'grpc-go' },
  { ...unary, ...many, ...GRPC, name: 'g2', title: 'grpc-go on both ends, unary 50 × 1', ends: 'grpc-go' },
  {
    ...unary,
    ...few,
    name: 'g3',
    title: 'grpc-go on both ends, 65 KB echo 4 × 10',
    ends: 'grpc-go',
    requestBytes: 66_560,
    responseBytes: 66_560,
    echo: true,
    must: 1,
    aim: 0.7,
  },
  { ...unary, ...few, ...TLS, name: 'tls', title: 'TLS downstream, unary 4 × 10, varying headers', door: 'tls', varying: true },
  { ...unary, ...many, ...TLS, name: 'tls2', title: 'TLS downstream, unary 50 × 1, varying headers', door: 'tls', varying: true },
  {
    ...unary,
    ...few,
    ...TLS,
    name: 'tlsr',
    title: 'TLS downstream, 2,000 a second, varying headers',
    door: 'tls',
    rate: 2000,
    varying: true,
  },
  { ...unary, ...few, ...TLS, name: 'mtls', title: 'mutual TLS on both sides, unary 4 × 10, varying headers', door: 'mtls', varying: true },
];
