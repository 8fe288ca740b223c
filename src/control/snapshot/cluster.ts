import { create, durationOf } from '../../envoy/index.ts';
import { CircuitBreakers, CircuitBreakers_Thresholds } from '../../gen/envoy/config/cluster/v3/circuit_breaker.ts';
import {
  Cluster,
  Cluster_CommonLbConfig,
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
} from '../../gen/envoy/config/cluster/v3/cluster.ts';
import { OutlierDetection } from '../../gen/envoy/config/cluster/v3/outlier_detection.ts';
import { ApiVersion, ConfigSource } from '../../gen/envoy/config/core/v3/config_source.ts';
import { Http2ProtocolOptions, KeepaliveSettings } from '../../gen/envoy/config/core/v3/protocol.ts';
import type { ClusterLoadAssignment } from '../../gen/envoy/config/endpoint/v3/endpoint.ts';
import { HttpProtocolOptions_ExplicitHttpConfig } from '../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options.ts';
import type { StagedMember } from '../stage/types.ts';
import { hasLiteralAddress } from './endpoints.ts';
import { ringwayMetadata } from './metadata.ts';
import { oneOf, pack } from './values.ts';

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

const CONNECT_TIMEOUT_MS = 250;

/**
 * Envoy's defaults (1,024; retries 3) are met by a zone that takes over another's load, and three retries at a time lose a quarter of
 * the requests when a member dies under 1,000 requests/s.
 */
const RAISED_LIMIT = 10_000;

/** A live-store counts pings less than 10 s apart as abuse (dskit grpc_server_min_time_between_pings); Envoy only ever adds jitter. */
const PING_INTERVAL_MS = 11_000;
const PING_TIMEOUT_MS = 3_000;

/** All queriers' calls to a member share a connection: two dozen answers that nobody reads must not hold up the others. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 24 * 1024 * 1024;

/** "Over the stream this came on": config by ADS. */
export function overAds(): ConfigSource {
  return create(ConfigSource, { configSourceSpecifier: oneOf('ads', {}), resourceApiVersion: ApiVersion.V3 });
}

/**
 * The cluster of one member. Its endpoints come by EDS; if one of them advertises a name, which EDS cannot carry, the cluster resolves
 * them itself and `endpoints` is part of it.
 */
export function memberCluster(
  ring: string,
  member: StagedMember,
  endpoints: ClusterLoadAssignment,
  owners: readonly StagedMember[],
): Cluster {
  const discovery: Partial<Cluster> = owners.every(hasLiteralAddress)
    ? { clusterDiscoveryType: oneOf('type', Cluster_DiscoveryType.EDS), edsClusterConfig: { edsConfig: overAds(), serviceName: '' } }
    : {
        clusterDiscoveryType: oneOf('type', Cluster_DiscoveryType.STRICT_DNS),
        loadAssignment: endpoints,
        dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
      };
  return create(Cluster, {
    name: endpoints.clusterName,
    ...discovery,
    ...SAME_FOR_ALL,
    metadata: ringwayMetadata({
      member: member.id,
      ...(member.partition === null ? {} : { partition: member.partition }),
      ring,
      zone: member.zone,
    }),
  });
}

/**
 * Only what the host itself failed at counts: connections, and answers of gateways. Not consecutive_5xx: Envoy counts the answer
 * Unknown in a trailers-only response as HTTP 500, and Tempo gives it whenever it lags.
 */
function outlierDetection(): OutlierDetection {
  return create(OutlierDetection, {
    splitExternalLocalOriginErrors: true,
    enforcingConsecutive5xx: 0,
    consecutiveGatewayFailure: 3,
    enforcingConsecutiveGatewayFailure: 100,
    consecutiveLocalOriginFailure: 3,
    interval: durationOf(1_000),
    baseEjectionTime: durationOf(2_000),
    maxEjectionPercent: 50,
  });
}

function explicitHttp2(): HttpProtocolOptions_ExplicitHttpConfig {
  const http2 = create(Http2ProtocolOptions, {
    initialStreamWindowSize: STREAM_WINDOW_BYTES,
    initialConnectionWindowSize: CONNECTION_WINDOW_BYTES,
    connectionKeepalive: create(KeepaliveSettings, { interval: durationOf(PING_INTERVAL_MS), timeout: durationOf(PING_TIMEOUT_MS) }),
  });
  return create(HttpProtocolOptions_ExplicitHttpConfig, { protocolConfig: oneOf('http2ProtocolOptions', http2) });
}

/** What all members' clusters have in common; made once, as it is a fifth of the work of a snapshot. */
const SAME_FOR_ALL: Partial<Cluster> = {
  connectTimeout: durationOf(CONNECT_TIMEOUT_MS),
  commonLbConfig: create(Cluster_CommonLbConfig, {
    // Envoy would otherwise send to an unhealthy host when too few are healthy (one of one is), and to an ejected one for a second more.
    healthyPanicThreshold: { value: 0 },
    updateMergeWindow: durationOf(0),
  }),
  circuitBreakers: create(CircuitBreakers, {
    thresholds: [
      create(CircuitBreakers_Thresholds, {
        maxConnections: RAISED_LIMIT,
        maxPendingRequests: RAISED_LIMIT,
        maxRequests: RAISED_LIMIT,
        maxRetries: RAISED_LIMIT,
        trackRemaining: true,
      }),
    ],
  }),
  outlierDetection: outlierDetection(),
  typedExtensionProtocolOptions: new Map([
    [HTTP_OPTIONS, pack(HTTP_OPTIONS, { upstreamProtocolOptions: oneOf('explicitHttpConfig', explicitHttp2()) })],
  ]),
};
