import { type BaseLogger, type Bindings, pino } from 'pino';

/** Fields of a log line. `node`, `member`, `version`, `ring`, `type` have one meaning everywhere. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Structured logs: `event` is a stable name (`xds.nack`), the rest are fields, `message` is for people. */
export interface Logger {
  debug(event: string, fields: LogFields, message: string): void;
  info(event: string, fields: LogFields, message: string): void;
  warn(event: string, fields: LogFields, message: string): void;
  error(event: string, fields: LogFields, message: string): void;
  /** A logger whose every line also has `fields`. */
  child(fields: LogFields): Logger;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Of lines that could not be written so many octets are kept for when they can; what comes then is dropped. */
const MAX_UNWRITTEN_BYTES = 1024 * 1024;

/** JSON lines on `fd` (2 = stderr by default), written at once so that the last line before an exit is not lost. */
export function createLogger(options: { readonly level: LogLevel; readonly role: string; readonly fd?: number }): Logger {
  const destination = pino.destination({ fd: options.fd ?? 2, sync: true, maxLength: MAX_UNWRITTEN_BYTES });
  // A full disk must not end a process that serves traffic.
  destination.on('error', () => {});
  const root = pino(
    {
      level: options.level,
      base: { role: options.role },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'message',
    },
    destination,
  );
  return wrap(root);
}

/** Says nothing; for tests and library use. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};

type PinoLogger = Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'> & { child(bindings: Bindings): PinoLogger };

function wrap(target: PinoLogger): Logger {
  return {
    debug: (event, fields, message) => target.debug({ event, ...fields }, message),
    info: (event, fields, message) => target.info({ event, ...fields }, message),
    warn: (event, fields, message) => target.warn({ event, ...fields }, message),
    error: (event, fields, message) => target.error({ event, ...fields }, message),
    child: (fields) => wrap(target.child({ ...fields })),
  };
}
