import { messageOf, Observable, type ReadonlyObservable } from '../core/index.ts';
import type { Catalog } from '../membership/types.ts';
import type { Counter, Logger, MetricRegistry } from '../telemetry/index.ts';
import type { SnapshotFeed, SnapshotSource } from '../xds/server/types.ts';
import type { Snapshot, XdsNode } from '../xds/types.ts';
import { type EgressParameters, egressResources, MemberMemo } from './snapshot/egress.ts';
import { emptySnapshot, encodeSnapshot } from './snapshot/encode.ts';
import { assertReferences } from './snapshot/references.ts';
import type { RingStage, Stage } from './stage/types.ts';
import { parseView, type View, viewKey, viewName } from './view.ts';

export interface SnapshotSourceOptions {
  /** Which rings there are, read or not. */
  readonly catalog: ReadonlyObservable<Catalog>;
  readonly stage: ReadonlyObservable<Stage>;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
}

/** What one view has in common with all others: where broken snapshots are told. */
type OnBroken = (view: View, error: unknown) => void;

/**
 * The snapshots that xDS clients get. Clients whose views have the same parameters share one snapshot; a view is built while somebody
 * listens, anew when its ring's stage changes, and forgotten with its last listener. A snapshot that does not hold together is not
 * published: the one before stays, and `ringway_snapshots_broken_total` counts.
 */
export function createSnapshotSource({ catalog, stage, logger, metrics }: SnapshotSourceOptions): SnapshotSource {
  const broken = metrics.counter({
    name: 'ringway_snapshots_broken_total',
    help: 'Snapshots that were not published because a reference in them leads nowhere.',
  });
  const built = metrics.counter({ name: 'ringway_snapshots_built_total', help: 'Snapshots built.' });
  const onBroken: OnBroken = (view, error) => {
    broken.inc();
    logger.error(
      'snapshot.broken',
      { view: viewName(view), error: messageOf(error) },
      'a snapshot does not hold together; the one before stays',
    );
  };
  const views = new Map<string, ViewSnapshots>();
  return {
    open(node: XdsNode): SnapshotFeed | { readonly refused: string } {
      const view = parseView(node, [...catalog.value.rings.keys()]);
      if ('refused' in view) return view;
      if (view.kind === 'inbound') return { view: viewName(view), snapshot: nothingYet };
      for (const [key, idle] of views) if (idle.unused) views.delete(key);
      const key = viewKey(view);
      const snapshots = views.get(key) ?? new ViewSnapshots(view, stage, { onBroken, built });
      views.set(key, snapshots);
      return { view: viewName(view), snapshot: snapshots };
    },
  };
}

/** The inbound view: a sidecar beside a live-store is complete from its bootstrap alone. */
const nothingYet: ReadonlyObservable<Snapshot> = new Observable(emptySnapshot);

/** One view's snapshot as its ring changes; follows the stage while it has listeners. */
class ViewSnapshots implements ReadonlyObservable<Snapshot | null> {
  readonly #view: Extract<View, { kind: 'egress' }>;
  readonly #stage: ReadonlyObservable<Stage>;
  readonly #told: { readonly onBroken: OnBroken; readonly built: Counter };
  readonly #snapshot = new Observable<Snapshot | null>(null);
  readonly #memo = new MemberMemo();
  #builtFrom: RingStage | undefined;
  #listeners = 0;
  #unfollow: (() => void) | undefined;

  constructor(
    view: Extract<View, { kind: 'egress' }>,
    stage: ReadonlyObservable<Stage>,
    told: { readonly onBroken: OnBroken; readonly built: Counter },
  ) {
    this.#view = view;
    this.#stage = stage;
    this.#told = told;
  }

  get unused(): boolean {
    return this.#listeners === 0;
  }

  get value(): Snapshot | null {
    this.#build();
    return this.#snapshot.value;
  }

  subscribe(listener: (value: Snapshot | null, previous: Snapshot | null) => void): () => void {
    this.#build();
    const unsubscribe = this.#snapshot.subscribe(listener);
    this.#listeners += 1;
    this.#unfollow ??= this.#stage.subscribe(() => this.#build());
    let active = true;
    return () => {
      if (!active) return;
      active = false;
      unsubscribe();
      this.#listeners -= 1;
      if (this.#listeners > 0) return;
      this.#unfollow?.();
      this.#unfollow = undefined;
    };
  }

  /** Nothing is published that is as before: neither to listeners nor as another object. A ring that is gone leaves its last snapshot. */
  #build(): void {
    const ring = this.#stage.value.rings.get(this.#view.ring);
    if (!ring || ring === this.#builtFrom) return;
    this.#builtFrom = ring;
    try {
      const snapshot = buildSnapshot(ring, this.#view, this.#memo);
      this.#told.built.inc();
      if (snapshot.version !== this.#snapshot.value?.version) this.#snapshot.set(snapshot);
    } catch (error) {
      this.#told.onBroken(this.#view, error);
    }
  }
}

/** The snapshot of an egress view, as egressResources. Throws RingwayError `BROKEN_SNAPSHOT` when it would not hold together. */
export function buildSnapshot(ring: RingStage, parameters: EgressParameters, memo?: MemberMemo): Snapshot {
  const resources = egressResources(ring, parameters, memo);
  assertReferences(resources);
  return encodeSnapshot(resources);
}
