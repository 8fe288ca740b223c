import { ClusterLoadAssignment } from '../../../gen/envoy/config/endpoint/v3/endpoint.ts';
import { TYPE_URLS } from '../../../xds/types.ts';
import { CompileError, type ResourceCompiler } from '../../runtime/types.ts';
import type { Assignment } from '../types.ts';
import { compileAssignment } from './assignment.ts';

/** Compiles ClusterLoadAssignments (EDS); the result goes to `Cluster.applyAssignment`. */
export function createEndpointCompiler(): ResourceCompiler<Assignment> {
  return {
    typeUrl: TYPE_URLS.endpoint,
    compile(name, value) {
      const message = ClusterLoadAssignment.decode(value);
      if (message.clusterName !== name)
        throw new CompileError('cluster_name', `"${message.clusterName}" is not the resource's name "${name}"`);
      return { compiled: compileAssignment('', message), dependencies: {} };
    },
  };
}
