import { close, closeSync, open, openSync, write, writeSync } from 'node:fs';
import { type Clock, codeOf, messageOf, type Timer } from '../../core/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import { LineBuffer } from './line-buffer.ts';
import { wholeLines } from './whole-lines.ts';

/** Lines are written together: after this long, or once this much waits. */
const FLUSH_INTERVAL_MS = 1000;
const FLUSH_SIZE = 262_144;
/** What may wait while a disk does not take it; more is dropped and counted, never held in memory. */
const MAX_WAITING = 16 * 1024 * 1024;

/** Where lines go: one file, shared by all loggers of its path. */
export interface LineSink {
  /** Where the next line is to be written, its line feed included; undefined: it is dropped, and counted. */
  begin(): LineBuffer | undefined;
  /** The line is whole. */
  end(): void;
}

/** A pipe whose reader is slow says EAGAIN when somebody made it non-blocking; it is tried again after this. */
const FULL_PIPE_MS = 5;
/** How long the end of the process waits for such a reader. */
const LAST_WORDS_MS = 1000;

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
  async stop(): Promise<void> {
    const stopped = [...this.#sinks.values()].map((sink) => sink.stop());
    this.#sinks.clear();
    await Promise.all(stopped);
  }
}

class FileSink implements LineSink {
  readonly #path: string;
  /** Whether lines of other processes come between ours: then each write must be of whole lines. */
  readonly #isShared: boolean;
  readonly #clock: Clock;
  readonly #log: Logger;
  #fd: number;
  readonly #waiting = new LineBuffer();
  #timer: Timer | undefined;
  #isWriting = false;
  #onWritten: () => void = () => {};
  #dropped = 0;

  constructor(path: string, isShared: boolean, clock: Clock, log: Logger) {
    this.#path = path;
    this.#isShared = isShared;
    this.#clock = clock;
    this.#log = log;
    this.#fd = STANDARD[path] ?? openSync(path, 'a');
  }

  begin(): LineBuffer | undefined {
    if (this.#waiting.length <= MAX_WAITING) return this.#waiting;
    this.#dropped += 1;
    return undefined;
  }

  end(): void {
    if (this.#waiting.length >= FLUSH_SIZE) this.#flush();
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
    let rest = this.#waiting.take();
    // a clock that is read once a turn stands still in here
    let waits = 0;
    while (rest.length > 0 && waits * FULL_PIPE_MS < LAST_WORDS_MS) {
      const written = this.#writeSync(rest);
      if (written === 0) waits += 1;
      rest = rest.subarray(written);
    }
  }

  /** At once when nothing is being written; else after that, for a second at most. */
  async stop(): Promise<void> {
    if (this.#isWriting) {
      await new Promise<void>((resolve) => {
        this.#onWritten = resolve;
        this.#clock.after(LAST_WORDS_MS, resolve);
      });
    }
    this.flushSync();
    if (!(this.#path in STANDARD)) closeSync(this.#fd);
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#isWriting || this.#waiting.length === 0) return;
    this.#isWriting = true;
    this.#writeAll(this.#waiting.take());
  }

  #writeAll(bytes: Buffer): void {
    write(this.#fd, bytes, 0, this.#piece(bytes), null, (error, written) => {
      if (!error && written < bytes.length) return this.#writeAll(bytes.subarray(written));
      if (error?.code === 'EAGAIN') {
        this.#clock.after(FULL_PIPE_MS, () => this.#writeAll(bytes), { keepAlive: true });
        return;
      }
      if (error) this.#log.warn('access_log.write_failed', { path: this.#path }, messageOf(error));
      this.#isWriting = false;
      this.#waiting.release();
      if (this.#dropped > 0) {
        this.#log.warn('access_log.dropped', { path: this.#path, lines: this.#dropped }, 'the disk is too slow for the access log');
        this.#dropped = 0;
      }
      // their time came while this was being written
      const isDue = this.#timer === undefined;
      if (isDue || this.#waiting.length >= FLUSH_SIZE) this.#flush();
      if (!this.#isWriting) this.#onWritten();
    });
  }

  /** How much went out: nothing, after a moment, when the reader is slow. */
  #writeSync(bytes: Buffer): number {
    try {
      return writeSync(this.#fd, bytes, 0, this.#piece(bytes));
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_MS);
      return 0;
    }
  }

  /** How much of it goes in one write. */
  #piece(bytes: Buffer): number {
    return this.#isShared ? wholeLines(bytes) : bytes.length;
  }
}
