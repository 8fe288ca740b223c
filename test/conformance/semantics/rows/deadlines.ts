import type { Row } from '../types.ts';
import { type Upstream, whole } from '../upstream.ts';

/** The runtime key under which timeouts of the upstream are deadlines. */
export const DEADLINE_RUNTIME = 'envoy.reloadable_features.grpc_timeout_returns_deadline_exceeded: true';

const hangs = async (upstream: Upstream): Promise<void> => upstream.note(await (await whole(upstream)).ending());

/** With `DEADLINE_RUNTIME`. */
export const DEADLINES: readonly Row[] = [
  {
    name: 'deadline-route',
    situation: 'grpc_timeout_returns_deadline_exceeded: route timeout',
    setup: { action: 'timeout: 0.1s' },
    upstream: hangs,
  },
  {
    name: 'deadline-plain',
    situation: 'grpc_timeout_returns_deadline_exceeded: route timeout, no gRPC call',
    setup: { action: 'timeout: 0.1s' },
    caller: async (caller) => void (await caller.get()),
    upstream: hangs,
  },
  {
    name: 'deadline-per-try',
    situation: 'grpc_timeout_returns_deadline_exceeded: per_try_timeout, no retry left',
    setup: { action: 'retry_policy: { retry_on: "5xx", num_retries: 0, per_try_timeout: 0.1s }' },
    upstream: hangs,
  },
  {
    name: 'deadline-per-try-idle',
    situation: 'grpc_timeout_returns_deadline_exceeded: per_try_idle_timeout, no retry left',
    setup: { action: 'retry_policy: { retry_on: "5xx", num_retries: 0, per_try_idle_timeout: 0.1s }' },
    upstream: hangs,
  },
];
