import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, codeOf, messageOf, type Timer } from '../../core/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import { TYPE_URLS, type TypeUrl } from '../types.ts';
import { type Interest, inServingOrder, wants } from './interest.ts';
import { parseState, type SavedNode, stateText } from './state-text.ts';
import type { ReceivedResource, ResourceFailure, ResourceUpdate } from './types.ts';

const FILE = 'xds-state';
/** Changes within this time are written together. */
const SETTLE_MS = 1_000;
/** A larger state is neither written nor read. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Never on disk: secrets. */
const KEPT: ReadonlySet<TypeUrl> = new Set([TYPE_URLS.cluster, TYPE_URLS.endpoint, TYPE_URLS.listener, TYPE_URLS.route]);

export interface StateFileOptions {
  /** A directory of this sidecar's own; made when it is missing. */
  readonly dir: string;
  /** Whose state it is: another node's file is not served. */
  readonly node: SavedNode;
  readonly clock: Clock;
  readonly log: Logger;
  /** 64 MiB unless given. */
  readonly maxBytes?: number;
}

/** The last accepted resources on disk (`--state-dir`), for a start while control is away. Checksummed, bounded, replaced in one step. */
export class StateFile {
  readonly #options: StateFileOptions;
  readonly #path: string;
  readonly #types = new Map<TypeUrl, { version: string; readonly resources: Map<string, ReceivedResource> }>();
  #timer: Timer | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: StateFileOptions) {
    this.#options = options;
    this.#path = join(options.dir, FILE);
  }

  /** What was saved, clusters first; nothing (and a warning) when it is damaged, too large or another node's. Never rejects. */
  async load(): Promise<readonly ResourceUpdate[]> {
    const { log, node } = this.#options;
    try {
      const { size } = await stat(this.#path);
      if (size > this.#maxBytes) throw new Error(`it has ${size} bytes, more than ${this.#maxBytes}`);
      const updates = parseState(await readFile(this.#path), node);
      // Types that are not applied yet must not vanish from the file when others are written.
      for (const update of updates) this.#note(update, new Set());
      log.warn('xds.state_served', { path: this.#path }, 'control is away: serving the configuration saved last');
      return inServingOrder(updates.map(({ typeUrl }) => typeUrl)).map(
        (type) => updates.find(({ typeUrl }) => typeUrl === type) as ResourceUpdate,
      );
    } catch (error) {
      if (codeOf(error) === 'ENOENT') log.info('xds.state_absent', { path: this.#path }, 'no saved configuration');
      else log.warn('xds.state_ignored', { path: this.#path }, `saved configuration ignored: ${messageOf(error)}`);
      return [];
    }
  }

  /** Notes what was accepted and writes it soon. */
  record(update: ResourceUpdate, failures: readonly ResourceFailure[]): void {
    if (!KEPT.has(update.typeUrl)) return;
    this.#note(update, new Set(failures.map(({ name }) => name)));
    this.#timer ??= this.#options.clock.after(SETTLE_MS, () => this.#write());
  }

  /** Drops what is no longer wanted. */
  retain(typeUrl: TypeUrl, interest: Interest): void {
    const resources = this.#types.get(typeUrl)?.resources;
    for (const name of resources?.keys() ?? []) if (!wants(interest, name)) resources?.delete(name);
  }

  /** Writes what waits and resolves when it is on disk or was given up with a warning. */
  flush(): Promise<void> {
    if (this.#timer) {
      this.#timer.cancel();
      this.#write();
    }
    return this.#writing;
  }

  get #maxBytes(): number {
    return this.#options.maxBytes ?? MAX_BYTES;
  }

  #note(update: ResourceUpdate, failed: ReadonlySet<string>): void {
    const type = this.#types.get(update.typeUrl) ?? { version: '', resources: new Map<string, ReceivedResource>() };
    this.#types.set(update.typeUrl, type);
    if (failed.size === 0) type.version = update.version;
    for (const resource of update.upserts) if (!failed.has(resource.name)) type.resources.set(resource.name, resource);
    for (const name of update.removed) type.resources.delete(name);
  }

  #write(): void {
    this.#timer = null;
    const updates = [...this.#types].map(([typeUrl, { version, resources }]) => ({
      typeUrl,
      version,
      upserts: [...resources.values()],
      removed: [],
    }));
    this.#writing = this.#writing.then(() => this.#replace(stateText(this.#options.node, updates)));
  }

  async #replace(text: Buffer): Promise<void> {
    const { dir, log } = this.#options;
    try {
      if (text.length > this.#maxBytes) throw new Error(`it has ${text.length} bytes, more than ${this.#maxBytes}`);
      await mkdir(dir, { recursive: true });
      const draft = `${this.#path}.draft`;
      const file = await open(draft, 'w', 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, this.#path);
    } catch (error) {
      log.warn('xds.state_not_written', { path: this.#path }, `configuration not saved: ${messageOf(error)}`);
    }
  }
}
