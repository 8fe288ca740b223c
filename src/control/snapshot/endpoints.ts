import { isIP } from 'node:net';
import { parseHostPort } from '../../core/index.ts';
import { create } from '../../envoy/index.ts';
import { Address, SocketAddress } from '../../gen/envoy/config/core/v3/address.ts';
import { HealthStatus } from '../../gen/envoy/config/core/v3/health_check.ts';
import { ClusterLoadAssignment } from '../../gen/envoy/config/endpoint/v3/endpoint.ts';
import { Endpoint, LbEndpoint, LocalityLbEndpoints } from '../../gen/envoy/config/endpoint/v3/endpoint_components.ts';
import type { StagedMember } from '../stage/types.ts';
import { ringwayMetadata } from './metadata.ts';
import { oneOf } from './values.ts';

/**
 * The endpoints of a member's cluster: the member at priority 0, each stand-in at a priority of its own after it, best first. One
 * endpoint a priority, because previous_priorities then never sends a second try to a host that had the first.
 */
export function memberEndpoints(clusterName: string, member: StagedMember, standIns: readonly StagedMember[]): ClusterLoadAssignment {
  const endpoints = [member, ...standIns].map((owner, priority) =>
    create(LocalityLbEndpoints, {
      locality: { region: '', zone: owner.zone, subZone: '' },
      priority,
      lbEndpoints: [
        create(LbEndpoint, {
          hostIdentifier: oneOf('endpoint', create(Endpoint, { address: socketAddress(owner.address) })),
          healthStatus: healthStatusOf(owner),
          metadata: ringwayMetadata({ member: owner.id }),
        }),
      ],
    }),
  );
  return create(ClusterLoadAssignment, { clusterName, endpoints });
}

/** host:port as envoy.config.core.v3.Address. */
export function socketAddress(address: string): Address {
  const { host, port } = parseHostPort(address);
  return create(Address, {
    address: oneOf('socketAddress', create(SocketAddress, { address: host, portSpecifier: oneOf('portValue', port) })),
  });
}

/** EDS takes literal IPs only; an owner that advertises a name needs a cluster that resolves. */
export function hasLiteralAddress(owner: StagedMember): boolean {
  return isIP(parseHostPort(owner.address).host) !== 0;
}

function healthStatusOf({ phase, healthy }: StagedMember): HealthStatus {
  if (phase.kind !== 'present') return HealthStatus.DRAINING;
  return healthy ? HealthStatus.HEALTHY : HealthStatus.UNHEALTHY;
}
