import { RingwayError } from '../core/index.ts';
import { errorCodeName } from './protocol.ts';

/** Ends a connection. `code` is `HTTP2_` and the name of the RFC 9113 §7 error; `debug` travels in GOAWAY. */
export class Http2Error extends RingwayError {
  /** The RFC 9113 §7 number. */
  readonly errorCode: number;
  readonly debug: string;

  constructor(errorCode: number, debug: string, cause?: unknown) {
    const name = errorCodeName(errorCode);
    super(`http/2 connection failed: ${debug} (${name})`, { code: `HTTP2_${name.replaceAll(' ', '_')}`, cause });
    this.errorCode = errorCode;
    this.debug = debug;
  }
}
