/** An answer other than OK. */
export class GrpcFailure extends Error {
  /** A gRPC status code. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = 'GrpcFailure';
    this.code = code;
  }
}
