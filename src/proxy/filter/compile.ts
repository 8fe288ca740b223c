import type { Filter } from '../../gen/envoy/config/listener/v3/listener_components.ts';
import { HttpConnectionManager } from '../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { TcpProxy } from '../../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts';
import { decodeAny, fieldPath, refuse, typeNameOf } from '../runtime/compile/index.ts';
import type { FilterDeps } from './deps.ts';
import { compileHttpConnectionManager } from './http/compile.ts';
import { compileTcpProxy } from './tcp/compile.ts';
import type { CompiledFilter, ListenerContext } from './types.ts';

const HTTP = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const TCP = 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';

/** Compiles the network filters of a chain: there is one, and it ends the chain. Throws CompileError. */
export function compileFilters(path: string, filters: readonly Filter[], listener: ListenerContext, deps: FilterDeps): CompiledFilter {
  const [filter] = filters;
  if (!filter) return refuse(path, 'needs a filter');
  if (filters.length > 1) refuse(`${path}[1]`, 'only one network filter is supported');
  const at = fieldPath(`${path}[0]`, 'typedConfig');
  if (filter.configType?.$case !== 'typedConfig') {
    return refuse(
      fieldPath(`${path}[0]`, filter.configType?.$case ?? 'typedConfig'),
      filter.configType ? 'is not supported' : 'is required',
    );
  }
  const any = filter.configType.value;
  switch (typeNameOf(any)) {
    case HTTP:
      return compileHttpConnectionManager(at, decodeAny(at, any, HttpConnectionManager), listener, deps);
    case TCP:
      return compileTcpProxy(at, decodeAny(at, any, TcpProxy), deps);
    default:
      return refuse(at, `${typeNameOf(any)} is not supported (only ${HTTP}, ${TCP})`);
  }
}
