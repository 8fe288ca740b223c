import { close, closeSync, open, openSync, write, writeSync } from 'node:fs';
import { type Clock, messageOf, type Timer } from '../../core/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import { wholeLines } from './whole-lines.ts';

/** Lines are written together: after this long, or once this much waits. */
const FLUSH_INTERVAL_MS = 1000;
const FLUSH_SIZE = 65_536;
/** What may wait while a disk does not take it; more is dropped and counted, never held in memory. */
const MAX_WAITING = 16 * 1024 * 1024;

/** Where lines go: one file, shared by all loggers of its path. */
export interface LineSink {
  write(line: string): void;
}

const STANDARD: Readonly<Record<string, number>> = { '/dev/stdout': 1, '/dev/stderr': 2 };

/** Opens and keeps access log files. */
export class FileSinks {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #sharesOutputs: boolean;
  readonly #sinks = new Map<string, FileSink>();

  /** `sharesOutputs`: other processes write to the same stdout and stderr; off unless given. */
  constructor(deps: { readonly clock: Clock; readonly logger: Logger; readonly sharesOutputs?: boolean }) {
    this.#sharesOutputs = deps.sharesOutputs ?? false;
    this.#clock = deps.clock;
    this.#log = deps.logger;
  }

  /** The sink of `path`; opened at once, so that a path that cannot be written is told now. Throws the file system's error. */
  open(path: string): LineSink {
    let sink = this.#sinks.get(path);
    if (!sink) {
      sink = new FileSink(path, this.#sharesOutputs && path in STANDARD, this.#clock, this.#log);
      this.#sinks.set(path, sink);
    }
    return sink;
  }

  /** Opens every file anew under its name (log rotation, SIGUSR1). */
  reopen(): void {
    for (const sink of this.#sinks.values()) sink.reopen();
  }

  /** Writes what waits before it returns. */
  flush(): void {
    for (const sink of this.#sinks.values()) sink.flushSync();
  }

  /** Writes what waits and closes. */
  stop(): void {
    for (const sink of this.#sinks.values()) sink.stop();
    this.#sinks.clear();
  }
}

class FileSink implements LineSink {
  readonly #path: string;
  /** Whether lines of other processes come between ours: then each write must be of whole lines. */
  readonly #isShared: boolean;
  readonly #clock: Clock;
  readonly #log: Logger;
  #fd: number;
  #waiting: string[] = [];
  #size = 0;
  #timer: Timer | undefined;
  #isWriting = false;
  #dropped = 0;

  constructor(path: string, isShared: boolean, clock: Clock, log: Logger) {
    this.#path = path;
    this.#isShared = isShared;
    this.#clock = clock;
    this.#log = log;
    this.#fd = STANDARD[path] ?? openSync(path, 'a');
  }

  write(line: string): void {
    if (this.#size > MAX_WAITING) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(line);
    this.#size += line.length;
    if (this.#size >= FLUSH_SIZE) this.#flush();
    else this.#timer ??= this.#clock.after(FLUSH_INTERVAL_MS, () => this.#flush());
  }

  reopen(): void {
    if (this.#path in STANDARD) return;
    const old = this.#fd;
    open(this.#path, 'a', (error, fd) => {
      if (error) {
        this.#log.warn('access_log.reopen_failed', { path: this.#path }, `${messageOf(error)}; writing to the old file`);
        return;
      }
      this.#fd = fd;
      close(old, () => {});
    });
  }

  flushSync(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    let rest = this.#take();
    while (rest.length > 0) rest = rest.subarray(writeSync(this.#fd, rest, 0, this.#piece(rest)));
  }

  stop(): void {
    this.flushSync();
    if (!(this.#path in STANDARD)) closeSync(this.#fd);
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#isWriting || this.#size === 0) return;
    this.#isWriting = true;
    this.#writeAll(this.#take());
  }

  #writeAll(bytes: Buffer): void {
    write(this.#fd, bytes, 0, this.#piece(bytes), null, (error, written) => {
      if (!error && written < bytes.length) return this.#writeAll(bytes.subarray(written));
      if (error) this.#log.warn('access_log.write_failed', { path: this.#path }, messageOf(error));
      this.#isWriting = false;
      if (this.#dropped > 0) {
        this.#log.warn('access_log.dropped', { path: this.#path, lines: this.#dropped }, 'the disk is too slow for the access log');
        this.#dropped = 0;
      }
      if (this.#size >= FLUSH_SIZE) this.#flush();
    });
  }

  /** How much of it goes in one write. */
  #piece(bytes: Buffer): number {
    return this.#isShared ? wholeLines(bytes) : bytes.length;
  }

  #take(): Buffer {
    // header values are latin-1: one byte a character
    const bytes = Buffer.from(this.#waiting.join(''), 'latin1');
    this.#waiting = [];
    this.#size = 0;
    return bytes;
  }
}
