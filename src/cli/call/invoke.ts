import { type Client, Metadata, status as statusCodes } from '@grpc/grpc-js';
import { messageOf, RingwayError } from '../../core/index.ts';
import { UsageError } from '../command.ts';
import type { CallableMethod } from './method.ts';

export interface Invocation {
  readonly method: CallableMethod;
  /** The request as JSON. */
  readonly json: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly timeoutMs: number;
  /** Takes each answer as indented JSON. */
  readonly onAnswer: (json: string) => void;
}

/** Calls a unary or server-streaming method. Throws UsageError for JSON that does not fit, RingwayError with the gRPC status otherwise. */
export function invoke(client: Client, { method, json, headers, timeoutMs, onAnswer }: Invocation): Promise<void> {
  if (method.isClientStream) throw new UsageError(`${method.path} streams requests; only unary and server-streaming methods can be called`);
  const request = encodeRequest(method, json);
  const metadata = new Metadata();
  for (const [name, value] of headers) metadata.add(name, name.endsWith('-bin') ? Buffer.from(value, 'base64') : value);
  return new Promise((resolve, reject) => {
    // A unary method is a stream of one answer on the wire.
    const call = client.makeServerStreamRequest(
      method.path,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => method.decode(bytes),
      request,
      metadata,
      { deadline: Date.now() + timeoutMs },
    );
    call.on('data', onAnswer);
    call.on('error', (error) => reject(statusError(error)));
    call.on('end', resolve);
  });
}

function encodeRequest(method: CallableMethod, json: string): Buffer {
  try {
    return Buffer.from(method.encode(json));
  } catch (error) {
    throw new UsageError(`-d: ${messageOf(error)}`, error);
  }
}

/** `UNKNOWN: live-store is starting`: the status by its name, then the server's words. */
export function statusError(error: unknown): RingwayError {
  if (error instanceof RingwayError) return error;
  const { code, details } = error as { code?: number; details?: string };
  const name = code === undefined ? 'UNKNOWN' : (statusCodes[code] ?? String(code));
  return new RingwayError(`${name}: ${details || messageOf(error)}`, { code: `GRPC_${name}`, cause: error });
}
