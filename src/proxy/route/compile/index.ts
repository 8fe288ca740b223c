import { RouteConfiguration } from '../../../gen/envoy/config/route/v3/route.ts';
import { TYPE_URLS } from '../../../xds/types.ts';
import { CompileError, type ResourceCompiler } from '../../runtime/types.ts';
import type { RouteTable } from '../types.ts';
import { compileRoutes } from './configuration.ts';

/** Compiles RouteConfigurations (RDS). An unknown cluster refuses one only when it asks for that itself (validate_clusters). */
export function createRouteCompiler(): ResourceCompiler<RouteTable> {
  return {
    typeUrl: TYPE_URLS.route,
    compile(name, value) {
      const message = RouteConfiguration.decode(value);
      if (message.name !== name) throw new CompileError('name', `"${message.name}" is not the resource's name "${name}"`);
      const { table, clusters, validateClusters } = compileRoutes('', message);
      return { compiled: table, dependencies: { clusters, clustersMustExist: validateClusters ?? false } };
    },
  };
}
