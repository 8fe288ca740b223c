import { gunzipSync, gzipSync } from 'node:zlib';
import { GrpcStatus } from '../../grpc/index.ts';
import { GrpcFailure } from './failure.ts';
import { decodeSnappyFrames, encodeSnappyFrames } from './snappy.ts';

/** `grpc-encoding` values that both sample ends speak; Tempo's queriers send snappy. */
export type GrpcEncoding = 'identity' | 'gzip' | 'snappy';

/** One length-prefixed message. An empty one is never compressed, as in grpc-go. */
export function encodeMessage(message: Uint8Array, encoding: GrpcEncoding): Buffer {
  const isCompressed = encoding !== 'identity' && message.length > 0;
  const body = isCompressed ? (encoding === 'snappy' ? encodeSnappyFrames(message) : gzipSync(message)) : message;
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(isCompressed ? 1 : 0, 0);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

/** The one message of a unary body. Throws GrpcFailure with the code and words grpc-go uses. */
export function decodeMessage(body: Buffer, encoding: string, maxBytes: number): Buffer {
  if (body.length < 5 || body.length !== 5 + body.readUInt32BE(1))
    throw new GrpcFailure(GrpcStatus.INTERNAL, 'the body is not one length-prefixed message');
  const data = body.subarray(5);
  if (data.length > maxBytes)
    throw new GrpcFailure(GrpcStatus.RESOURCE_EXHAUSTED, `grpc: received message larger than max (${data.length} vs. ${maxBytes})`);
  if (body[0] === 0) return data;
  try {
    if (encoding === 'snappy') return decodeSnappyFrames(data, maxBytes);
    if (encoding === 'gzip') return gunzipSync(data, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof RangeError)
      throw new GrpcFailure(GrpcStatus.RESOURCE_EXHAUSTED, `grpc: message after decompression larger than max ${maxBytes}`);
    throw new GrpcFailure(GrpcStatus.INTERNAL, `grpc: failed to decompress the received message: ${(error as Error).message}`);
  }
  throw new GrpcFailure(GrpcStatus.UNIMPLEMENTED, `grpc: Decompressor is not installed for grpc-encoding "${encoding}"`);
}
