import { httpStatusOfGrpc } from '../../grpc/index.ts';
import type { Host } from '../cluster/index.ts';
import type { ResponseFacts } from './retry-rules.ts';

/** Counts a response among its host's successes or errors, a grpc-status by what it means in HTTP. */
export function countResult(host: Host, { status, grpcStatus }: Pick<ResponseFacts, 'status' | 'grpcStatus'>): void {
  const meaning = grpcStatus === undefined ? status : httpStatusOfGrpc(grpcStatus);
  if (meaning >= 500) host.rqError += 1;
  else host.rqSuccess += 1;
}
