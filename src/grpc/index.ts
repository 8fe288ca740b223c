// gRPC on top of http2: message framing, status, timeouts, client calls, health messages. Entry: `startCall`, `callUnary`. Knows no
// service's protobuf messages but those of grpc.health.v1, and no policy (retries, balancing).
export { type CallHandler, type CallOptions, type CallStatus, type GrpcCall, type OpenStream, startCall } from './call.ts';
export { decodeGrpcMessage, encodeGrpcMessage } from './grpc-message.ts';
export { formatGrpcTimeout, parseGrpcTimeout, wholeGrpcTimeout } from './grpc-timeout.ts';
export { encodeHealthRequest, encodeHealthResponse, HEALTH_CHECK_METHOD, parseHealthResponse, type ServingStatus } from './health.ts';
export { encodeMessage, MessageDecoder, type OnMessage } from './message.ts';
export { grpcStatusOfReset } from './reset-status.ts';
export { GrpcStatus, grpcStatusCode, grpcStatusName, grpcStatusOf, grpcStatusOfHttp, httpStatusOfGrpc, parseGrpcStatus } from './status.ts';
export { callUnary, type UnaryResult } from './unary.ts';
