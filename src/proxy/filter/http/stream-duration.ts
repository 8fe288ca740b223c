import { parseGrpcTimeout, wholeGrpcTimeout } from '../../../grpc/index.ts';
import { field, findField } from '../../../http2/index.ts';
import type { Field, HeaderBlock } from '../../../http2/types.ts';
import type { StreamDuration } from '../../route/types.ts';

/**
 * How long a request may take altogether, or null: what its grpc-timeout says, if the route lets it, bounded and shortened by the
 * route; else the route's max_stream_duration; else the connection manager's.
 */
export function streamDurationMs(route: StreamDuration | null, headers: HeaderBlock, managerMs: number | null): number | null {
  if (route?.grpcTimeoutMaxMs !== null && route?.grpcTimeoutMaxMs !== undefined) {
    const asked = parseGrpcTimeout(findField(headers, 'grpc-timeout')?.value ?? '');
    if (asked !== undefined) {
      const bounded = route.grpcTimeoutMaxMs === 0 ? asked : Math.min(asked, route.grpcTimeoutMaxMs);
      const shortened = bounded > route.grpcTimeoutOffsetMs ? bounded - route.grpcTimeoutOffsetMs : bounded;
      return Math.min(shortened, 0x7fff_ffff);
    }
  }
  const ms = route?.maxMs ?? managerMs;
  return ms === 0 ? null : ms;
}

/** The headers of a gRPC request whose route limits streams: its grpc-timeout says how long it may take here; null: no grpc-timeout. */
export function withGrpcTimeout(headers: HeaderBlock, ms: number | null): HeaderBlock {
  const result: Field[] = [];
  for (const one of headers) if (one.name !== 'grpc-timeout') result.push(one);
  if (ms !== null) result.push(field('grpc-timeout', wholeGrpcTimeout(ms)));
  return result;
}
