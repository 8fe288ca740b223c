import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Clock, messageOf, RingwayError, type Timer } from '../../core/index.ts';
import { formatProblem, readMessage } from '../../envoy/index.ts';
import type { Logger, MetricRegistry } from '../../telemetry/index.ts';
import type { TypeUrl } from '../types.ts';
import { ClientStats } from './client-stats.ts';
import { flawOf, refusalText } from './refusal.ts';
import { nameInside } from './resource-name.ts';
import { TypeState } from './type-state.ts';
import type { ResourceSink } from './types.ts';

/** Changes within this time are read together: an editor writes more than once. */
const SETTLE_MS = 50;

export interface PathSourceOptions {
  /** A DiscoveryResponse as YAML, or as JSON when it ends in .json. */
  readonly path: string;
  /** `watched_directory`; the file's own unless given. */
  readonly watchedDirectory?: string;
  readonly typeUrl: TypeUrl;
  readonly sink: ResourceSink;
  readonly clock: Clock;
  readonly registry: MetricRegistry;
  readonly log: Logger;
}

/** Resources of one type from a file (`path_config_source`): read at the start and whenever something in its directory changes. */
export class PathSource {
  readonly #options: PathSourceOptions;
  readonly #type: TypeState;
  readonly #stats: ClientStats;
  #watcher: FSWatcher | null = null;
  #timer: Timer | null = null;
  #reading: Promise<void> = Promise.resolve();
  /** What was read last: an event without a change of content is nothing. */
  #text: string | null = null;

  constructor(options: PathSourceOptions) {
    this.#options = options;
    this.#type = new TypeState(options.typeUrl, { kind: 'all' });
    this.#stats = new ClientStats(options.registry);
  }

  /** Reads the file and begins to watch. Rejects when the directory cannot be watched; a bad file is a warning. */
  async start(): Promise<void> {
    const { path, watchedDirectory = dirname(path) } = this.#options;
    try {
      this.#watcher = watch(watchedDirectory, { persistent: false }, () => this.#later());
    } catch (error) {
      throw new RingwayError(`cannot watch ${watchedDirectory}: ${messageOf(error)}`, { code: 'CONFIG', cause: error });
    }
    this.#watcher.on('error', (error) => this.#refuse(`cannot watch ${watchedDirectory}: ${messageOf(error)}`));
    this.#read();
    await this.#reading;
  }

  async stop(): Promise<void> {
    this.#watcher?.close();
    this.#timer?.cancel();
    await this.#reading;
  }

  #later(): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(SETTLE_MS, () => this.#read());
  }

  #read(): void {
    this.#reading = this.#reading.then(async () => {
      const refused = await this.#apply();
      if (refused !== null) this.#refuse(refused);
    });
  }

  /** Applies what the file says. Resolves with why not, or null. */
  async #apply(): Promise<string | null> {
    const { path, typeUrl, sink, clock } = this.#options;
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      return `cannot read ${path}: ${messageOf(error)}`;
    }
    if (text === this.#text) return null;
    this.#text = text;
    this.#stats.of(typeUrl)?.attempt.inc();
    const format = path.endsWith('.json') ? 'json' : 'yaml';
    const { message, errors } = readMessage('envoy.service.discovery.v3.DiscoveryResponse', text, { file: path, format });
    if (errors[0]) return formatProblem(errors[0]);
    const version = message.versionInfo;
    const resources = message.resources.map((any) => ({ ...any, name: nameInside(any.value), version }));
    const response = { typeUrl, version, nonce: '', identifier: '', resources, removed: [] };
    const flaw = flawOf(response);
    if (flaw !== null) return `${path}: ${flaw}`;
    const update = this.#type.toFullUpdate(response);
    const failures = await sink.apply(update);
    this.#type.record(update, failures);
    if (failures.length > 0) return `${path}: ${refusalText(typeUrl, update.upserts.length, failures)}`;
    this.#stats.of(typeUrl)?.success.inc();
    this.#stats.of(typeUrl)?.updateTimeMs.set(clock.nowMs());
    return null;
  }

  #refuse(reason: string): void {
    const { log, path, typeUrl } = this.#options;
    this.#stats.of(typeUrl)?.rejected.inc();
    log.warn('xds.file_refused', { path, type: typeUrl }, reason);
  }
}
