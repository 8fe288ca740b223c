import type { Logger } from '../../telemetry/index.ts';
import type { XdsNode } from '../types.ts';

/** Nodes remembered; beyond that all are forgotten, which costs a repeated line. */
const MAX_REMEMBERED = 10_000;

/** Logs why a node is turned away: once a node and reason, as it comes back every second. */
export class Refusals {
  readonly #logger: Logger;
  readonly #logged = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  note(node: XdsNode, reason: string): void {
    const key = JSON.stringify([node.id, node.cluster, reason]);
    if (this.#logged.has(key)) return;
    if (this.#logged.size >= MAX_REMEMBERED) this.#logged.clear();
    this.#logged.add(key);
    this.#logger.warn('xds.refused', { node: node.id, cluster: node.cluster }, reason);
  }
}
