// Which parts of an overload manager a sidecar acts on.

import type { OverloadManager } from '../../../gen/envoy/config/overload/v3/overload.ts';
import type { Any } from '../../../gen/google/protobuf/any.ts';

const CONNECTIONS = 'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig';
const FIXED_HEAP = 'envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig';
const RESET_STREAMS = 'envoy.overload_actions.reset_high_memory_stream';

/** Paths of the parts that have no effect: all but the limit of connections, and resetting streams by the size of the heap. */
export function idleOverloadParts(manager: OverloadManager): readonly string[] {
  const heaps = manager.resourceMonitors.filter(({ configType }) => typeNameOf(configType?.value) === FIXED_HEAP).map(({ name }) => name);
  const resets = manager.actions.find(({ name }) => name === RESET_STREAMS);
  const heard = heaps.filter((heap) => resets?.triggers.some(({ name }) => name === heap));
  const monitors = manager.resourceMonitors.flatMap(({ name, configType }, index) =>
    heard.includes(name) || typeNameOf(configType?.value) === CONNECTIONS ? [] : [`resource_monitors[${index}]`],
  );
  const actions = manager.actions.flatMap((action, index) => (action === resets && heard.length > 0 ? [] : [`actions[${index}]`]));
  const points = manager.loadshedPoints.map((_, index) => `loadshed_points[${index}]`);
  return [...monitors, ...actions, ...points].map((part) => `overload_manager.${part}`);
}

function typeNameOf(any: Any | undefined): string {
  return any?.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1) ?? '';
}
