import { RingwayError } from '../../../core/index.ts';

/** A bootstrap that cannot be run. The message is one line; `lines` has one for each thing that is wrong. */
export class BootstrapError extends RingwayError {
  readonly lines: readonly string[];

  constructor(subject: string, lines: readonly string[], cause?: unknown) {
    const more = lines.length > 1 ? ` (and ${lines.length - 1} more)` : '';
    super(`error initializing configuration '${subject}': ${lines[0] ?? ''}${more}`, { code: 'BAD_BOOTSTRAP', cause });
    this.lines = lines;
  }
}
