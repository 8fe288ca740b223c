import type { ResourceFailure, ResourceSink, ResourceUpdate } from '../../src/xds/client/types.ts';

/** A ResourceSink that writes down what it was given, as lines such as `Cluster 1 +[a,b] -[c]`, and refuses names on demand. */
export class RecordingSink implements ResourceSink {
  readonly refuse: Set<string> = new Set();
  /** Called while an update is applied, as a runtime that changes what it wants. */
  onApply: (update: ResourceUpdate) => void = () => {};
  #lines: string[] = [];

  apply(update: ResourceUpdate): Promise<readonly ResourceFailure[]> {
    const names = update.upserts.map(({ name }) => name);
    const type = update.typeUrl.slice(update.typeUrl.lastIndexOf('.') + 1);
    const parts = [names.length > 0 ? `+[${names}]` : '', update.removed.length > 0 ? `-[${update.removed}]` : ''];
    this.#lines.push([type, update.version, ...parts].filter((part) => part !== '').join(' '));
    this.onApply(update);
    return Promise.resolve(names.filter((name) => this.refuse.has(name)).map((name) => ({ name, message: `${name}: no` })));
  }

  take(): string[] {
    const taken = this.#lines;
    this.#lines = [];
    return taken;
  }
}
