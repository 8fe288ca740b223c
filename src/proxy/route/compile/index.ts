import { allAtOnce } from '../../../core/index.ts';
import { RouteConfiguration } from '../../../gen/envoy/config/route/v3/route.ts';
import { TYPE_URLS } from '../../../xds/types.ts';
import { type Compilation, CompileError, type ResourceCompiler } from '../../runtime/types.ts';
import type { RouteTable } from '../types.ts';
import { compileRoutesInSteps } from './configuration.ts';

/** Compiles RouteConfigurations (RDS). An unknown cluster refuses one only when it asks for that itself (validate_clusters). */
export function createRouteCompiler(): ResourceCompiler<RouteTable> {
  return {
    typeUrl: TYPE_URLS.route,
    compile: (name, value) => allAtOnce(compileMessage(name, RouteConfiguration.decode(value))),
    *compileInSteps(name, value) {
      return yield* compileMessage(name, yield* RouteConfiguration.decodeInSteps(value));
    },
  };
}

function* compileMessage(name: string, message: RouteConfiguration): Generator<undefined, Compilation<RouteTable>> {
  if (message.name !== name) throw new CompileError('name', `"${message.name}" is not the resource's name "${name}"`);
  const { table, clusters, validateClusters } = yield* compileRoutesInSteps('', message);
  return { compiled: table, dependencies: { clusters, clustersMustExist: validateClusters ?? false } };
}
