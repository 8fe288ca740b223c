import type { Clock, Random } from '../../core/index.ts';
import type { BufferBudget } from '../../http2/index.ts';
import type { Field } from '../../http2/types.ts';
import type { MetricRegistry } from '../../telemetry/index.ts';
import type { FileSinks } from '../access-log/index.ts';
import type { Cluster } from '../cluster/index.ts';
import type { RouteTable } from '../route/types.ts';
import type { RuntimeConfig } from '../runtime/types.ts';
import type { Connect } from '../upstream/types.ts';

/** What filters stand on. */
export interface FilterDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: MetricRegistry;
  readonly accessLogs: FileSinks;
  /** What requests see; each reads it once. */
  readonly currentConfig: () => RuntimeConfig<RouteTable, Cluster>;
  /** What all connections of the process may hold unread; none unless given. */
  readonly budget?: BufferBudget;
  /** overload.premature_reset_total_stream_count of the runtime; the engine's default unless given. */
  readonly maxPrematureResets?: number;
  /** The runtime wants DEADLINE_EXCEEDED for gRPC calls whose time at the upstream is over; UNAVAILABLE unless given. */
  readonly timeoutIsDeadlineExceeded?: boolean;
  /** For tcp_proxy. */
  readonly connect: Connect;
  /** x-request-id for a request that has none (`createRequestIds`). */
  readonly createRequestId: () => Field;
}
