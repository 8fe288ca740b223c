import { codeOf, messageOf, RingwayError } from '../core/index.ts';

/** Everything wrong with one file, found in one go. The message has one line for each problem: `file:line: key: what, what is allowed`. */
export class ConfigError extends RingwayError {
  /** One line each; never empty. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'), { code: 'BAD_CONFIG' });
    this.problems = problems;
  }
}

/** A file that cannot be read, in words. `CONFIG_FILE`. */
export function unreadable(file: string, cause: unknown): RingwayError {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'no such file',
    ENOTDIR: 'no such file',
    EISDIR: 'is a directory, a file is needed',
    EACCES: 'may not be read by this user',
  };
  return new RingwayError(`${file}: ${reasons[codeOf(cause) ?? ''] ?? messageOf(cause)}`, { code: 'CONFIG_FILE', cause });
}
