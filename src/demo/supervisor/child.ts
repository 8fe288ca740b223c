import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** One process to keep running. */
export interface ChildSpec {
  /** Unique; names the log file. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** `ringway` ends by itself when its IPC channel closes; a `foreign` program gets a guard that ends it when we are gone. */
  readonly kind: 'ringway' | 'foreign';
}

export interface ChildOptions {
  /** Takes every line of stdout; without it stdout goes where stderr goes. */
  readonly onLine?: (line: string) => void;
  /** File that stdout and stderr are appended to; nothing is kept without it but the last lines. */
  readonly logFile?: string;
}

/** How a process ended. `lastWords` are its last lines on stderr, '' when it said nothing. */
export interface ChildExit {
  readonly how: string;
  readonly lastWords: string;
}

/**
 * Runs a program until its stdin closes: then it gets SIGTERM. Ends with the program's own exit code. For programs that would
 * outlive a supervisor that was killed hard. A shell is the smallest process that can do that everywhere.
 */
const GUARD = `exec 3<&0
"$0" "$@" 3<&- </dev/null & program=$!
{ cat <&3 >/dev/null; kill -TERM $program; } 2>/dev/null & watch=$!
trap 'kill -TERM $program 2>/dev/null' TERM INT
wait $program; code=$?
while kill -0 $program 2>/dev/null; do wait $program; code=$?; done
kill $watch 2>/dev/null
exit $code`;

const LAST_LINES = 3;

/** A started process. Detached: a Ctrl-C at the terminal reaches only the supervisor, which decides the order. */
export class RunningChild {
  readonly pid: number;
  /** Resolves when it is gone; never rejects. */
  readonly exited: Promise<ChildExit>;
  readonly #process: ChildProcess;
  readonly #lastLines: string[] = [];

  constructor(spec: ChildSpec, options: ChildOptions) {
    const log = options.logFile === undefined ? undefined : createWriteStream(options.logFile, { flags: 'a' });
    const env = { ...process.env, RINGWAY_SUPERVISED: '1' };
    this.#process =
      spec.kind === 'ringway'
        ? spawn(spec.program, spec.args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true, env })
        : spawn('/bin/sh', ['-c', GUARD, spec.program, ...spec.args], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    this.#process.channel?.unref();
    this.pid = this.#process.pid ?? 0;
    this.#read('stderr', log, (line) => this.#remember(line));
    this.#read('stdout', log, options.onLine ?? ((line) => this.#remember(line)));
    this.exited = new Promise((resolve) => {
      const end = (how: string): void => {
        log?.end();
        resolve({ how, lastWords: this.#lastLines.join(' | ') });
      };
      this.#process.once('error', (error) => end(error.message));
      this.#process.once('close', (code, signal) => end(signal ? `killed by ${signal}` : `exit ${code}`));
    });
  }

  /** Asks it to end. */
  terminate(): void {
    this.#signal('SIGTERM');
  }

  /** Ends it and whatever it started, at once. */
  kill(): void {
    this.#signal('SIGKILL');
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch {
      this.#process.kill(signal); // no group any more
    }
  }

  #remember(line: string): void {
    if (line.trim() === '') return;
    this.#lastLines.push(line.trim());
    if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift();
  }

  #read(name: 'stdout' | 'stderr', log: WriteStream | undefined, onLine: (line: string) => void): void {
    const stream = this.#process[name];
    if (!stream) return;
    createInterface({ input: stream }).on('line', (line) => {
      log?.write(`${line}\n`);
      onLine(line);
    });
  }
}
