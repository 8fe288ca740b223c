import { Cluster } from '../../gen/envoy/config/cluster/v3/cluster.ts';
import { Any } from '../../gen/google/protobuf/any.ts';
import type { EncodedResource } from '../types.ts';

const known = new WeakMap<EncodedResource, string>();

/**
 * The ClusterLoadAssignment a cluster takes: its `service_name`, else its own name. A cluster that was added or changed warms until
 * it gets one, even an identical one, and does not ask again (envoy #13009, #33607).
 */
export function endpointNameOf(cluster: EncodedResource): string {
  let name = known.get(cluster);
  if (name === undefined) {
    name = Cluster.decode(Any.decode(cluster.any).value).edsClusterConfig?.serviceName || cluster.name;
    known.set(cluster, name);
  }
  return name;
}
