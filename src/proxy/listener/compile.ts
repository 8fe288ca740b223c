import { Listener as ListenerMessage } from '../../gen/envoy/config/listener/v3/listener.ts';
import type { FilterChain, FilterChainMatch } from '../../gen/envoy/config/listener/v3/listener_components.ts';
import { TYPE_URLS } from '../../xds/types.ts';
import { compileFilters } from '../filter/index.ts';
import type { CompiledFilter, ListenerContext } from '../filter/types.ts';
import {
  addressOf,
  durationMs,
  type FieldSupport,
  fieldPath,
  refuse,
  refuseOthers,
  type SocketEndpoint,
  typeNameOf,
} from '../runtime/compile/index.ts';
import { CompileError, type ResourceCompiler } from '../runtime/types.ts';
import { compileDownstreamTransport } from '../tls/index.ts';
import type { ListenerDeps } from './deps.ts';
import { Listener } from './listener.ts';
import { type ListenerSettings, TRAFFIC_DIRECTIONS } from './settings.ts';

const LISTENER: FieldSupport<ListenerMessage> = {
  reads: [
    'name',
    'address',
    'filterChains',
    'defaultFilterChain',
    'statPrefix',
    'perConnectionBufferLimitBytes',
    'trafficDirection',
    'tcpBacklogSize',
    'listenerFilters',
    'useOriginalDst',
    'transparent',
    'freebind',
    'bindToPort',
    'ignoreGlobalConnLimit',
  ],
  harmless: [
    // for people and other planes
    'metadata',
    // when a listener drains is decided by the sidecar: on updates, on removal and at its end
    'drainType',
    // no listener filter that is accepted ever waits for bytes
    'listenerFiltersTimeout',
    'continueOnListenerFiltersTimeout',
    // --concurrency alone decides whether processes share a port, and the kernel shares out connections; a port of others is an error
    'enableReusePort',
    'reusePort',
    'connectionBalanceConfig',
    'maxConnectionsToAcceptPerSocketEvent',
    // saves a round trip of clients that ask for it
    'tcpFastOpenQueueLength',
    // overload actions act on streams, not on listeners
    'bypassOverloadManager',
  ],
};

const CHAIN: FieldSupport<FilterChain> = {
  reads: ['filterChainMatch', 'filters', 'transportSocket', 'transportSocketConnectTimeout', 'useProxyProto'],
  harmless: ['name', 'metadata'],
};

/** Listener filters that only look: their findings matter to filter chain matches, which are refused. */
const INSPECTORS: ReadonlySet<string> = new Set([
  'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
  'envoy.extensions.filters.listener.http_inspector.v3.HttpInspector',
]);

/** How long a handshake may take unless told; Envoy lets it take for ever, as it does when told 0 s. */
const HANDSHAKE_MS = 10_000;
const MEBIBYTE = 1_048_576;

/** Compiles Listener resources (LDS, static_resources.listeners). A listener does nothing before `bind`. */
export function createListenerCompiler(deps: ListenerDeps): ResourceCompiler<Listener> {
  return {
    typeUrl: TYPE_URLS.listener,
    compile(name, value) {
      const message = ListenerMessage.decode(value);
      // static listeners may go without a name: the bootstrap gives them one
      if (message.name !== '' && message.name !== name)
        throw new CompileError('name', `"${message.name}" is not the resource's name "${name}"`);
      return compileListener(name, message, deps);
    },
  };
}

function compileListener(name: string, message: ListenerMessage, deps: ListenerDeps): ReturnType<ResourceCompiler<Listener>['compile']> {
  refuseOthers('', message, LISTENER);
  refuseSocketTricks(message);
  refuseListenerFilters(message);
  const address = listenAddress(message);
  const statName = message.statPrefix || address.text;
  const { filter, dependencies, tls, handshakeTimeoutMs } = compileChains(
    message,
    { address: statName, bufferLimit: message.perConnectionBufferLimitBytes ?? MEBIBYTE },
    deps,
  );
  const settings = {
    name,
    address: { host: address.host, port: address.port },
    statName,
    direction: TRAFFIC_DIRECTIONS[message.trafficDirection] ?? 'UNSPECIFIED',
    ignoresGlobalLimit: message.ignoreGlobalConnLimit,
    backlog: message.tcpBacklogSize ?? null,
    tls,
    handshakeTimeoutMs,
    filter,
  };
  return { compiled: new Listener(settings, deps), dependencies };
}

/** What a chain does with a connection, in order. */
type CompiledChain = CompiledFilter & Pick<ListenerSettings, 'tls' | 'handshakeTimeoutMs'>;

/** One chain, which takes every connection. */
function compileChains(message: ListenerMessage, listener: ListenerContext, deps: ListenerDeps): CompiledChain {
  if (message.filterChains.length > 1) refuse('filter_chains[1]', 'only one filter chain is supported');
  const [chain = message.defaultFilterChain] = message.filterChains;
  const path = message.filterChains.length > 0 ? 'filter_chains[0]' : 'default_filter_chain';
  if (!chain) return refuse('', `error adding listener '${listener.address}': no filter chains specified`);
  refuseOthers(path, chain, CHAIN);
  refuseMatch(fieldPath(path, 'filterChainMatch'), chain.filterChainMatch);
  if (chain.useProxyProto) refuse(fieldPath(path, 'useProxyProto'), 'is not supported');
  const timeoutMs = durationMs(fieldPath(path, 'transportSocketConnectTimeout'), chain.transportSocketConnectTimeout, 0);
  return {
    tls: compileDownstreamTransport(fieldPath(path, 'transportSocket'), chain.transportSocket, deps.tlsSources),
    handshakeTimeoutMs: timeoutMs || HANDSHAKE_MS,
    ...compileFilters(fieldPath(path, 'filters'), chain.filters, listener, deps),
  };
}

function refuseMatch(path: string, match: FilterChainMatch | undefined): void {
  if (match) refuseOthers(path, match, { reads: [], harmless: [] });
}

function listenAddress(message: ListenerMessage): SocketEndpoint {
  const address = addressOf('address', message.address);
  if (!address.isLiteral) refuse('address.socket_address.address', `malformed IP address: ${address.host}`);
  return address;
}

function refuseSocketTricks(message: ListenerMessage): void {
  for (const key of ['useOriginalDst', 'transparent', 'freebind'] as const)
    if (message[key]) refuse(fieldPath('', key), 'is not supported');
  if (message.bindToPort === false) refuse('bind_to_port', 'false is not supported');
}

function refuseListenerFilters({ listenerFilters }: ListenerMessage): void {
  for (const [i, filter] of listenerFilters.entries()) {
    const type = filter.configType?.$case === 'typedConfig' ? typeNameOf(filter.configType.value) : '';
    if (!INSPECTORS.has(type)) refuse(`listener_filters[${i}]`, `${type || filter.name} is not supported`);
  }
}
