/** Options of every error of ours. `code` is stable and for machines; the message is one line for people. */
export interface ErrorDetails {
  readonly code: string;
  readonly cause?: unknown;
}

/**
 * The one base of errors that people are meant to read: what is wrong, where, and what is allowed, in one lower-case line.
 * Anything else that is thrown is a bug and keeps its stack.
 */
export class RingwayError extends Error {
  readonly code: string;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = details.code;
  }
}

/** The text of anything thrown, without its stack. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** The Node or own code of anything thrown (`ECONNREFUSED`, `ENOENT`, …), or undefined. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
