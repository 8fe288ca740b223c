// What a situation is, and what one proxy made of it.
import type { Caller } from './caller.ts';
import type { Upstream } from './upstream.ts';

/** What a proxy made of a situation, as text that can be compared: ports, times and ids are stars. */
export interface Outcome {
  /** What the caller got, in order; `2: ` before what belongs to its second request. `END`: the stream's end on that frame. */
  readonly caller: readonly string[];
  /** What the upstream noted. */
  readonly upstream: readonly string[];
  /** Status, flags, details, then what else the access log knows; one line a request. */
  readonly log: readonly string[];
  /** Counters that moved, ` 2` behind those that moved more than once. */
  readonly counters: string;
}

/** One situation: how the proxy is set up, and what both sides do. What Envoy 1.40 makes of it is recorded (`recorded.ts`). */
export interface Row {
  /** Of its listener, its cluster and its path; no two have the same. */
  readonly name: string;
  /** For people. */
  readonly situation: string;
  readonly setup?: Setup;
  /** One unary gRPC call unless given. */
  readonly caller?: (caller: Caller) => Promise<void>;
  /** Answers the first request with a message and status 0 unless given; null: nothing is listening. */
  readonly upstream?: ((upstream: Upstream) => Promise<void>) | null;
  /** Shows also the fields that every response has. */
  readonly showsEveryField?: true;
  /** Played alone, when all others are over: it drains the proxy. */
  readonly isLast?: true;
}

/** A situation that Ringway cannot come into. */
export interface RefusedRow extends Row {
  /** What it says of the configuration. */
  readonly refusal: string;
}

/** YAML, without the outer braces where it is a message. */
export interface Setup {
  /** Fields of the RouteAction beside the cluster. */
  readonly action?: string;
  /** Fields of the Route instead of `match` and `route`. */
  readonly route?: string;
  /** Fields of the VirtualHost beside its routes. */
  readonly host?: string;
  /** Fields of the HttpConnectionManager. */
  readonly manager?: string;
  /** Fields of the Cluster. */
  readonly cluster?: string;
  /** Fields of the only LbEndpoint; null: there is none. */
  readonly endpoint?: string | null;
  /** Fields of the ClusterLoadAssignment. */
  readonly assignment?: string;
}

/** Something that Ringway does otherwise, and why. */
export interface Difference {
  readonly rows: readonly string[];
  readonly reason: string;
  /** What stands in Envoy's outcome and what in Ringway's; '' = at the beginning. Lines are divided by line feeds. */
  readonly changes: readonly { readonly part: keyof Outcome; readonly envoy: string; readonly ringway: string }[];
}
