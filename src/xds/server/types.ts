// What the server half asks for and what it tells. It knows nothing of rings.
import type { ReadonlyObservable } from '../../core/index.ts';
import type { Snapshot, TypeUrl, XdsNode } from '../types.ts';

/** The view of one node: its snapshot as it changes. Nodes with the same `view` share the same snapshot object. */
export interface SnapshotFeed {
  /** For people and metrics: `live-store/egress`. */
  readonly view: string;
  /** null while the view is known but has never had a snapshot (the ring was never read): nothing is sent. */
  readonly snapshot: ReadonlyObservable<Snapshot | null>;
}

/** Who decides what a node gets. `control` implements it. */
export interface SnapshotSource {
  /** The feed of a node, or why it gets none (the stream then ends with INVALID_ARGUMENT and that text). */
  open(node: XdsNode): SnapshotFeed | { readonly refused: string };
}

/** A rejection, as the client told it. */
export interface NackStatus {
  readonly version: string;
  readonly message: string;
  readonly atMs: number;
}

/** One type on one client's stream. */
export interface ClientTypeStatus {
  readonly type: TypeUrl;
  readonly variant: 'sotw' | 'delta';
  /** Version of the last response sent, '' before the first. */
  readonly sent: string;
  /** Version of the last response acknowledged, '' before the first. */
  readonly acked: string;
  readonly nacked: NackStatus | null;
}

/** One connected client. */
export interface ClientStatus {
  readonly node: string;
  readonly cluster: string;
  readonly view: string;
  /** host:port it came from. */
  readonly peer: string;
  readonly userAgent: string;
  /** How long its stream has been open. */
  readonly connectedMs: number;
  readonly types: readonly ClientTypeStatus[];
}
