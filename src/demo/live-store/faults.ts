import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { type Clock, seededRandom, sleep } from '../../core/index.ts';
import { GrpcStatus } from '../../grpc/index.ts';
import { GrpcFailure, type UnaryCall, type UnaryHandler } from '../grpc/index.ts';

/** What a live-store is going through; Tempo's own words for each are what queries then get. */
export type LiveStorePhase = 'starting' | 'running' | 'lagging' | 'stopping';

/** Metadata by which one request asks to be treated badly: milliseconds of delay, `lag` for the lag error, an answer that much larger. */
const FAULT_METADATA = { delayMs: 'x-sample-delay-ms', fail: 'x-sample-fail', padBytes: 'x-sample-pad-bytes' } as const;

const MAX_DELAY_MS = 600_000;
const MAX_PAD_BYTES = 64 * 1024 * 1024;
const PAD_FIELD = 1_000;

/** Throws what Tempo answers while a live-store cannot answer: plain Go errors, so gRPC Unknown. */
export function assertServes(phase: LiveStorePhase, call: UnaryCall): void {
  if (phase === 'starting') throw new GrpcFailure(GrpcStatus.UNKNOWN, 'live-store is starting');
  if (phase === 'stopping') throw new GrpcFailure(GrpcStatus.UNKNOWN, 'live-store is stopping');
  if (phase === 'lagging' || call.header(FAULT_METADATA.fail) === 'lag')
    throw new GrpcFailure(GrpcStatus.UNKNOWN, 'cannot guarantee complete results');
}

/** With multitenancy a call needs exactly one tenant, health checks included; without it the header is ignored. */
export function assertTenant(call: UnaryCall): void {
  const tenants = call.valuesOf('x-scope-orgid');
  if (tenants.length !== 1 || tenants[0] === '') throw new GrpcFailure(GrpcStatus.UNKNOWN, 'no org id');
}

/** A handler that waits as long as the request asks before it answers, and pads the answer. */
export function withFaults(handler: UnaryHandler, clock: Clock): UnaryHandler {
  return async (call) => {
    const delayMs = Number(call.header(FAULT_METADATA.delayMs) ?? 0);
    if (delayMs > 0) await sleep(clock, Math.min(delayMs, MAX_DELAY_MS), call.signal);
    const answer = await handler(call);
    const padBytes = Math.min(Number(call.header(FAULT_METADATA.padBytes) ?? 0), MAX_PAD_BYTES);
    return padBytes > 0 ? Buffer.concat([answer, padding(padBytes)]) : answer;
  };
}

/** A field that no answer has, of bytes that do not compress and are always the same. */
export function padding(bytes: number): Buffer {
  const random = seededRandom(bytes);
  const words = new Uint32Array(Math.ceil(bytes / 4));
  for (let i = 0; i < words.length; i += 1) words[i] = random() * 2 ** 32;
  const writer = new BinaryWriter();
  writer.uint32((PAD_FIELD << 3) | 2).bytes(new Uint8Array(words.buffer, 0, bytes));
  return Buffer.from(writer.finish());
}
