// What a bootstrap says of a process as a whole: its overload manager, for how much it may hold, and its static runtime keys.
import type { Bootstrap } from '../../gen/envoy/config/bootstrap/v3/bootstrap.ts';
import type { OverloadManager } from '../../gen/envoy/config/overload/v3/overload.ts';
import { DownstreamConnectionsConfig } from '../../gen/envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections.ts';
import { FixedHeapConfig } from '../../gen/envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap.ts';
import { decodeAny, typeNameOf } from './compile/index.ts';

/** Limits of one process, and how it behaves. null: the bootstrap does not say. */
export interface LimitsPlan {
  /** Downstream connections of all listeners (envoy.resource_monitors.global_downstream_max_connections). */
  readonly maxConnections: number | null;
  /** Octets that may wait because nobody reads them (fixed_heap with envoy.overload_actions.reset_high_memory_stream). */
  readonly maxBuffered: number | null;
  /** Requests that a connection may reset as it sends them (overload.premature_reset_total_stream_count). */
  readonly maxPrematureResets: number | null;
  /** Connections of a listener by its name (envoy.resource_limits.listener.<name>.connection_limit). */
  readonly listenerConnections: Readonly<Record<string, number>>;
  /** gRPC calls whose time at the upstream is over end with DEADLINE_EXCEEDED, not UNAVAILABLE (the reloadable feature of that name). */
  readonly timeoutIsDeadlineExceeded: boolean;
}

const CONNECTIONS = 'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig';
const FIXED_HEAP = 'envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig';
const RESET_STREAMS = 'envoy.overload_actions.reset_high_memory_stream';
const TIMEOUT_IS_DEADLINE = 'envoy.reloadable_features.grpc_timeout_returns_deadline_exceeded';
const LISTENER_LIMIT = /^envoy\.resource_limits\.listener\.(.+)\.connection_limit$/;

export function planLimits({ overloadManager, layeredRuntime }: Bootstrap): LimitsPlan {
  const keys = new Map<string, number>();
  for (const { layerSpecifier } of layeredRuntime?.layers ?? [])
    if (layerSpecifier?.$case === 'staticLayer') collectKeys('', layerSpecifier.value ?? {}, keys);
  const listenerConnections: Record<string, number> = {};
  for (const [key, value] of keys) {
    const name = LISTENER_LIMIT.exec(key)?.[1];
    if (name !== undefined) listenerConnections[name] = value;
  }
  return {
    maxConnections: monitoredConnections(overloadManager) ?? keys.get('overload.global_downstream_max_connections') ?? null,
    maxBuffered: monitoredHeap(overloadManager),
    maxPrematureResets: keys.get('overload.premature_reset_total_stream_count') ?? null,
    listenerConnections,
    timeoutIsDeadlineExceeded: keys.get(TIMEOUT_IS_DEADLINE) === 1,
  };
}

function monitoredConnections(manager: OverloadManager | undefined): number | undefined {
  for (const { configType } of manager?.resourceMonitors ?? []) {
    const any = configType?.value;
    if (any && typeNameOf(any) === CONNECTIONS)
      return Number(decodeAny('overload_manager', any, DownstreamConnectionsConfig).maxActiveDownstreamConnections);
  }
  return undefined;
}

/** The part of the heap at which streams are to be reset. */
function monitoredHeap(manager: OverloadManager | undefined): number | null {
  const action = manager?.actions.find(({ name }) => name === RESET_STREAMS);
  for (const { name, configType } of manager?.resourceMonitors ?? []) {
    const trigger = action?.triggers.find((one) => one.name === name)?.triggerOneof;
    if (!trigger || !configType || typeNameOf(configType.value) !== FIXED_HEAP) continue;
    const part = trigger.$case === 'threshold' ? trigger.value.value : trigger.value.scalingThreshold;
    return Math.floor(part * Number(decodeAny('overload_manager', configType.value, FixedHeapConfig).maxHeapSizeBytes));
  }
  return null;
}

/** Numbers by dotted key, 0 and 1 for booleans; `a: {b: 1}` and `a.b: 1` are the same, and later layers win. */
function collectKeys(prefix: string, values: Readonly<Record<string, unknown>>, keys: Map<string, number>): void {
  for (const [key, value] of Object.entries(values)) {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (typeof value === 'number' || typeof value === 'boolean') keys.set(path, Number(value));
    else if (typeof value === 'object' && value !== null) collectKeys(path, value as Readonly<Record<string, unknown>>, keys);
  }
}
