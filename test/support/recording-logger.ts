import type { LogFields, Logger } from '../../src/telemetry/index.ts';
import { Changes } from './changes.ts';

/** One line as it was logged, the fields of its parents included. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly event: string;
  readonly fields: LogFields;
  readonly message: string;
}

/** Keeps every line that its logger is given, and tells who waits. */
export class LogRecorder {
  readonly lines: LogLine[] = [];
  readonly logger: Logger = this.#logger({});
  readonly #changes = new Changes();

  /** Lines of one event. */
  of(event: string): LogLine[] {
    return this.lines.filter((line) => line.event === event);
  }

  /** The first line of this event, now or later. */
  async first(event: string): Promise<LogLine> {
    await this.until(() => this.of(event).length > 0);
    return this.of(event)[0] as LogLine;
  }

  /** Resolves when `test` is true; it is asked now and after each line. */
  until(test: () => boolean): Promise<void> {
    return this.#changes.until(test);
  }

  #logger(inherited: LogFields): Logger {
    const at =
      (level: LogLine['level']) =>
      (event: string, fields: LogFields, message: string): void => {
        this.lines.push({ level, event, fields: { ...inherited, ...fields }, message });
        // What the line tells of is done when its caller has returned.
        setImmediate(this.#changes.wake);
      };
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (fields) => this.#logger({ ...inherited, ...fields }),
    };
  }
}
