import { formatHostPort } from '../../../core/index.ts';
import type { Bootstrap } from '../../../gen/envoy/config/bootstrap/v3/bootstrap.ts';
import type { EgressOptions } from '../types.ts';
import { listenAddress } from './address.ts';
import { adminJson, adsJson, nodeJson, toBootstrap, xdsCluster } from './parts.ts';

/**
 * The bootstrap of a sidecar beside a querier: everything but the way to control comes by xDS; control puts the listener where
 * `node.metadata.ringway.listen` says. Throws RingwayError `BAD_ADDRESS`.
 */
export function egressBootstrap(options: EgressOptions): Bootstrap {
  const listen = listenAddress('--listen', options.listen, '127.0.0.1');
  const admin = options.admin && listenAddress('--admin', options.admin, '127.0.0.1');
  const byAds = { ads: {}, resource_api_version: 'V3' };
  return toBootstrap({
    node: {
      ...nodeJson({ id: options.nodeId, cluster: `${options.ring}/egress`, zone: options.zone }),
      metadata: { ringway: { listen: formatHostPort(listen) } },
    },
    static_resources: { clusters: [xdsCluster(options.control, { waits: true })] },
    dynamic_resources: { ads_config: adsJson(), cds_config: byAds, lds_config: byAds },
    ...(admin ? { admin: adminJson(admin) } : {}),
  });
}
