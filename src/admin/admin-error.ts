import { RingwayError } from '../core/index.ts';

/** An answer other than success, as JSON `{error: {code, message}}`. */
export class AdminError extends RingwayError {
  readonly status: number;
  /** Headers that the status asks for. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message, { code });
    this.status = status;
    this.headers = headers;
  }
}
