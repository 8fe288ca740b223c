/** The gRPC status codes the sample parts use. https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
export const STATUS = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** An answer other than OK. */
export class GrpcFailure extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = 'GrpcFailure';
    this.code = code;
  }
}

/** `grpc-message` is percent-encoded UTF-8 (gRPC over HTTP/2, "Responses"). */
export function encodeStatusMessage(text: string): string {
  return encodeURIComponent(text).replaceAll('%20', ' ');
}

/** Never throws: what is not valid percent-encoding comes back as it is. */
export function decodeStatusMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
