import { isDeepStrictEqual } from 'node:util';
import { type ConfigWatch, type RingwayConfig, watchConfig } from '../config/index.ts';
import type { Clock, RingwayError, Service } from '../core/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { noRing } from './ring-inputs.ts';

/** Keys whose change takes a restart: what is bound stays bound. */
const AT_START = ['control', 'admin', 'telemetry'] as const;

/** Applies ringway.yaml when it changes. A bad file, one without rings, or one that is gone, is told and leaves everything as it is. */
export class ConfigReload implements Service {
  readonly name = 'configuration';
  readonly #file: string;
  readonly #apply: (config: RingwayConfig) => Promise<void>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #inUse: RingwayConfig;
  #watch: ConfigWatch | null = null;
  #applied: Promise<void> = Promise.resolve();

  /** `apply` gets each new configuration after the one before has been applied; it does not throw. */
  constructor(
    file: string,
    inUse: RingwayConfig,
    apply: (config: RingwayConfig) => Promise<void>,
    { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  ) {
    this.#file = file;
    this.#inUse = inUse;
    this.#apply = apply;
    this.#clock = clock;
    this.#logger = logger;
  }

  start(): Promise<void> {
    this.#watch ??= watchConfig(this.#file, this.#inUse, this.#clock, {
      onConfig: (config) => this.#take(config),
      onError: (error) => this.#refuse(error),
    });
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#watch?.close();
    this.#watch = null;
    await this.#applied;
  }

  /** Reads the file now (SIGHUP); resolves when what it says has been applied. */
  async reload(): Promise<void> {
    await this.#watch?.reload();
    await this.#applied;
  }

  #refuse({ code, message }: RingwayError): void {
    this.#logger.error('config.refused', { file: this.#file, code }, message);
  }

  #take(config: RingwayConfig): void {
    if (config.rings.size === 0) {
      this.#refuse(noRing());
      return;
    }
    const later = AT_START.filter((key) => !isDeepStrictEqual(config[key], this.#inUse[key]));
    this.#inUse = config;
    this.#logger.info('config.applied', { file: this.#file, rings: [...config.rings.keys()] }, 'the configuration has changed');
    if (later.length > 0) this.#logger.warn('config.restart_needed', { keys: later }, `a change of ${later.join(', ')} takes a restart`);
    this.#applied = this.#applied.then(() => this.#apply(config));
  }
}
