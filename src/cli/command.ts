import { codeOf, messageOf, RingwayError } from '../core/index.ts';

/** Exit codes of every command but `sidecar`, which uses Envoy's (1 for every configuration error too). */
export const EXIT = { ok: 0, failed: 1, usage: 64 } as const;

/** Where a command writes. `write` never throws and never blocks; `isTTY` says whether a person reads it. */
export interface Output {
  readonly isTTY: boolean;
  /** Width in characters; undefined where it is not known. */
  readonly columns: number | undefined;
  /** Aborts when what is written gets nowhere any more, with why as its reason: an Error, of code EPIPE when the reader went away. */
  readonly closed: AbortSignal;
  write(text: string): void;
}

/** Everything a command may touch of its process, so that tests can run it inside theirs. */
export interface CommandIo {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How this program is started again: what runs it, and its file. Words follow. */
  readonly program: readonly [file: string, ...args: string[]];
  /** Aborts at the first SIGINT or SIGTERM, or when the supervisor that started us is gone: drain, then resolve with 0. */
  readonly signal: AbortSignal;
  /** Calls `listener` at each SIGHUP. Returns how to stop. While nobody listens, SIGHUP aborts `signal`. */
  onReload(listener: () => void): () => void;
}

/** One subcommand. Loaded only when it is asked for. */
export interface Command {
  readonly name: string;
  /** Usage, options with defaults, and at least one example; ends with a newline. */
  help(): string;
  /** Resolves with the exit code. A RingwayError becomes one line on stderr; anything else thrown is a bug. */
  run(args: readonly string[], io: CommandIo): Promise<number>;
  /** The exit code of an expected error; unless given, 64 for usage and configuration, else 1. */
  exitCodeOf?(error: RingwayError): number;
}

/** What the user typed cannot be done: exit 64. */
export class UsageError extends RingwayError {
  constructor(message: string, cause?: unknown) {
    super(message, { code: 'USAGE', cause });
  }
}

/**
 * Runs one command and turns what it throws into one line on stderr and an exit code. A bug is one line as well; its stack appears
 * with RINGWAY_DEBUG set.
 */
export async function runCommand(command: Command, args: readonly string[], io: CommandIo): Promise<number> {
  if (asksForHelp(args)) {
    io.stdout.write(command.help());
    return EXIT.ok;
  }
  try {
    return await command.run(args, io);
  } catch (error) {
    return reportFailure(command, error, io);
  }
}

function reportFailure(command: Command, error: unknown, io: CommandIo): number {
  const line = messageOf(error).replaceAll(/\s*\n\s*/g, '; ');
  if (error instanceof RingwayError) {
    const hint = error instanceof UsageError ? ` (see: ringway ${command.name} --help)` : '';
    io.stderr.write(`ringway ${command.name}: ${line}${hint}\n`);
    return command.exitCodeOf?.(error) ?? defaultExitCode(error);
  }
  const isSystemError = codeOf(error) !== undefined && error instanceof Error && 'syscall' in error;
  io.stderr.write(`ringway ${command.name}: ${line}${isSystemError ? '' : ' (a bug; RINGWAY_DEBUG=1 shows where)'}\n`);
  if (io.env['RINGWAY_DEBUG'] && error instanceof Error) io.stderr.write(`${error.stack ?? ''}\n`);
  return EXIT.failed;
}

/** 64 for usage and configuration: codes that begin with USAGE, CONFIG or BAD_. */
function defaultExitCode(error: RingwayError): number {
  return /^(USAGE|CONFIG|BAD_)/.test(error.code) ? EXIT.usage : EXIT.failed;
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).some((word) => word === '--help' || word === '-h');
}
