import {
  type Cluster_CommonLbConfig,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  type Cluster as ClusterMessage,
} from '../../../gen/envoy/config/cluster/v3/cluster.ts';
import { ClusterLoadAssignment } from '../../../gen/envoy/config/endpoint/v3/endpoint.ts';
import { adsTimeoutMs, durationMs, type FieldSupport, fieldPath, refuse, refuseOthers } from '../../runtime/compile/index.ts';
import type { Dependencies } from '../../runtime/types.ts';
import { compileUpstreamTransport, type TlsSources } from '../../tls/index.ts';
import { type ClusterSettings, type Discovery, DNS_FAMILIES, type LbPolicy } from '../types.ts';
import { compileAssignment, compileNamedAssignment } from './assignment.ts';
import { compileCircuitBreakers } from './circuit-breakers.ts';
import { compileOutlierDetection } from './outlier-detection.ts';
import { compileProtocolOptions } from './protocol-options.ts';

const CLUSTER: FieldSupport<ClusterMessage> = {
  reads: [
    'name',
    'altStatName',
    'clusterDiscoveryType',
    'edsClusterConfig',
    'connectTimeout',
    'perConnectionBufferLimitBytes',
    'lbPolicy',
    'lbConfig',
    'loadAssignment',
    'circuitBreakers',
    'commonHttpProtocolOptions',
    'http2ProtocolOptions',
    'typedExtensionProtocolOptions',
    'dnsRefreshRate',
    'dnsLookupFamily',
    'outlierDetection',
    'commonLbConfig',
    'transportSocket',
    'waitForWarmOnInit',
  ],
  harmless: [
    // for people and other planes; what Ringway reads of it is optional
    'metadata',
    // how old hosts of original destination clusters get; there are none
    'cleanupInterval',
    // there are no active health checks: a host that leaves is removed, whatever its health
    'ignoreHealthOnHostRemoval',
    // extra series that nobody reads when absent
    'trackTimeoutBudgets',
    'trackClusterStats',
    // how often a name that failed is asked again: as often as any other
    'dnsFailureRefreshRate',
  ],
};

/** A Cluster resource as settings, and the assignment it waits for. Throws CompileError. */
export function compileClusterSettings(
  message: ClusterMessage,
  tlsSources: TlsSources,
): {
  readonly settings: ClusterSettings;
  readonly dependencies: Dependencies;
} {
  refuseOthers('', message, CLUSTER);
  const discovery = discoveryOf(message);
  const connectTimeoutMs = durationMs('connect_timeout', message.connectTimeout, 5000);
  if (connectTimeoutMs === 0) refuse('connect_timeout', 'must be greater than 0');
  const settings: ClusterSettings = {
    name: message.name,
    statName: message.altStatName || message.name,
    discovery,
    connectTimeoutMs,
    tls: compileUpstreamTransport('transport_socket', message.transportSocket, tlsSources),
    bufferLimit: message.perConnectionBufferLimitBytes ?? 1_048_576,
    lbPolicy: lbPolicyOf(message),
    panicThreshold: panicThresholdOf(message.commonLbConfig),
    breakers: compileCircuitBreakers('circuit_breakers', message.circuitBreakers),
    outlier: compileOutlierDetection('outlier_detection', message.outlierDetection),
    ...compileProtocolOptions(message),
  };
  return { settings, dependencies: dependenciesOf(message, discovery) };
}

function discoveryOf(message: ClusterMessage): Discovery {
  const kind = message.clusterDiscoveryType;
  if (kind?.$case === 'clusterType') return refuse('cluster_type', 'is not supported');
  const type = kind?.value ?? Cluster_DiscoveryType.STATIC;
  if (type === Cluster_DiscoveryType.EDS) {
    if (!message.edsClusterConfig?.edsConfig) return refuse('', 'cannot create an EDS cluster without an EDS config');
    return { type: 'EDS', serviceName: message.edsClusterConfig.serviceName || message.name };
  }
  if (message.edsClusterConfig) refuse('', 'cannot set eds_cluster_config in a non-EDS cluster');
  const loadAssignment = message.loadAssignment ?? ClusterLoadAssignment.decode(new Uint8Array());
  if (type === Cluster_DiscoveryType.STATIC) return { type: 'STATIC', assignment: compileAssignment('load_assignment', loadAssignment) };
  if (type !== Cluster_DiscoveryType.STRICT_DNS) return refuse('type', 'is not supported (only STATIC, STRICT_DNS, EDS)');
  const family = DNS_FAMILIES[message.dnsLookupFamily];
  if (!family) return refuse('dns_lookup_family', `${message.dnsLookupFamily} is no DNS lookup family`);
  const refreshMs = durationMs('dns_refresh_rate', message.dnsRefreshRate, 5000);
  if (refreshMs < 1) refuse('dns_refresh_rate', 'must be greater than 0.001s');
  return { type: 'STRICT_DNS', ...compileNamedAssignment('load_assignment', loadAssignment), refreshMs, family };
}

function dependenciesOf(message: ClusterMessage, discovery: Discovery): Dependencies {
  const init = message.waitForWarmOnInit === false ? { servesCold: true } : {};
  const source = message.edsClusterConfig?.edsConfig;
  if (discovery.type !== 'EDS' || !source) return init;
  const initialFetchTimeoutMs = adsTimeoutMs('eds_cluster_config.eds_config', source);
  return { ...init, endpoints: [discovery.serviceName], initialFetchTimeoutMs };
}

function lbPolicyOf(message: ClusterMessage): LbPolicy {
  const config = message.lbConfig;
  const field = fieldPath('', config?.$case ?? 'lbConfig');
  if (config && config.$case !== 'leastRequestLbConfig' && config.$case !== 'roundRobinLbConfig') refuse(field, 'is not supported');
  if (config?.$case === 'roundRobinLbConfig') refuseOthers(field, config.value, { reads: [], harmless: [] });
  if (config?.$case === 'leastRequestLbConfig') refuseOthers(field, config.value, { reads: ['choiceCount'], harmless: [] });
  switch (message.lbPolicy) {
    case Cluster_LbPolicy.ROUND_ROBIN:
      return { name: 'ROUND_ROBIN' };
    case Cluster_LbPolicy.RANDOM:
      return { name: 'RANDOM' };
    case Cluster_LbPolicy.LEAST_REQUEST: {
      const choiceCount = config?.$case === 'leastRequestLbConfig' ? (config.value.choiceCount ?? 2) : 2;
      if (choiceCount < 2) refuse(fieldPath(field, 'choiceCount'), 'must be at least 2');
      return { name: 'LEAST_REQUEST', choiceCount };
    }
    default:
      return refuse('lb_policy', 'is not supported (only ROUND_ROBIN, LEAST_REQUEST, RANDOM)');
  }
}

function panicThresholdOf(config: Cluster_CommonLbConfig | undefined): number {
  if (!config) return 50;
  refuseOthers('common_lb_config', config, {
    reads: ['healthyPanicThreshold', 'localityConfigSpecifier'],
    // updates of endpoints are applied at once: the window only delays them; there are no active health checks to wait for
    harmless: ['updateMergeWindow', 'ignoreNewHostsUntilFirstHc'],
  });
  const locality = config.localityConfigSpecifier;
  // zone aware routing needs a local cluster, which no bootstrap of ours can name
  if (locality && locality.$case !== 'zoneAwareLbConfig') refuse(fieldPath('common_lb_config', locality.$case), 'is not supported');
  const percent = config.healthyPanicThreshold?.value ?? 50;
  if (!(percent >= 0 && percent <= 100)) refuse('common_lb_config.healthy_panic_threshold', `${percent} is not a percentage (0 to 100)`);
  return percent;
}
