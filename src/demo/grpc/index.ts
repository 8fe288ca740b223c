// A small gRPC over node:http2 for the sample parts: unary, with snappy as Tempo uses it. Knows no method.

export { GrpcClient, type GrpcClientOptions, type UnaryReply, type UnaryRequest } from './client.ts';
export { GrpcFailure } from './failure.ts';
export { GrpcServer, type UnaryCall, type UnaryHandler } from './server.ts';
