import type { Clock } from '../../core/index.ts';
import { sleep } from '../../core/index.ts';
import { GrpcStatus } from '../../grpc/index.ts';
import { GrpcFailure, type UnaryCall, type UnaryHandler } from '../grpc/index.ts';

/** What a live-store is going through; Tempo's own words for each are what queries then get. */
export type LiveStorePhase = 'starting' | 'running' | 'lagging' | 'stopping';

/** Metadata by which one request asks to be treated badly: milliseconds of delay, and `lag` for the lag error. */
const FAULT_METADATA = { delayMs: 'x-sample-delay-ms', fail: 'x-sample-fail' } as const;

const MAX_DELAY_MS = 600_000;

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

/** A handler that waits as long as the request asks before it answers. */
export function withDelay(handler: UnaryHandler, clock: Clock): UnaryHandler {
  return async (call) => {
    const delayMs = Number(call.header(FAULT_METADATA.delayMs) ?? 0);
    if (delayMs > 0) await sleep(clock, Math.min(delayMs, MAX_DELAY_MS), call.signal);
    return handler(call);
  };
}
