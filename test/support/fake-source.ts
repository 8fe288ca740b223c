import { Observable } from '../../src/core/index.ts';
import type { SnapshotFeed, SnapshotSource } from '../../src/xds/server/types.ts';
import type { Snapshot, XdsNode } from '../../src/xds/types.ts';

/** A source with one view, `ring/view`; nodes of cluster `refused` are turned away. */
export class FakeSource implements SnapshotSource {
  readonly snapshot: Observable<Snapshot | null>;
  /** Every node that asked. */
  readonly opened: XdsNode[] = [];

  constructor(snapshot: Snapshot | null = null) {
    this.snapshot = new Observable(snapshot);
  }

  open(node: XdsNode): SnapshotFeed | { readonly refused: string } {
    this.opened.push(node);
    if (node.cluster === 'refused') return { refused: 'node.cluster "refused": no such view, allowed: ring/view' };
    if (node.cluster === 'broken') throw new Error('a bug in the source');
    return { view: 'ring/view', snapshot: this.snapshot };
  }
}
