/** HTTP status that outlier detection and host counters take for a grpc-status (Envoy's grpcToHttpStatus). */
const HTTP_STATUS: readonly number[] = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

/** 500 for codes that gRPC does not know. */
export function httpStatusOfGrpc(status: number): number {
  return HTTP_STATUS[status] ?? 500;
}
