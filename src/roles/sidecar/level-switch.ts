import { type EnvoyLogLevel, LOG_LEVELS, type LogControls } from '../../proxy/admin/types.ts';
import type { Logger } from '../../telemetry/index.ts';

/** The level of a line of ours among Envoy's. */
const RANKS = {
  debug: LOG_LEVELS.indexOf('debug'),
  info: LOG_LEVELS.indexOf('info'),
  warn: LOG_LEVELS.indexOf('warning'),
  error: LOG_LEVELS.indexOf('error'),
};

/** A level of logs that changes while the process runs (`/logging`). */
export class LevelSwitch implements LogControls {
  #level: EnvoyLogLevel;

  constructor(level: EnvoyLogLevel) {
    this.#level = level;
  }

  level(): EnvoyLogLevel {
    return this.#level;
  }

  setLevel(level: EnvoyLogLevel): void {
    this.#level = level;
  }

  /** `logger`, but for what is below the present level. It must itself let everything pass. */
  wrap(logger: Logger): Logger {
    const line =
      (method: keyof typeof RANKS): Logger['info'] =>
      (event, fields, message) => {
        if (RANKS[method] >= LOG_LEVELS.indexOf(this.#level)) logger[method](event, fields, message);
      };
    return {
      debug: line('debug'),
      info: line('info'),
      warn: line('warn'),
      error: line('error'),
      child: (fields) => this.wrap(logger.child(fields)),
    };
  }
}
