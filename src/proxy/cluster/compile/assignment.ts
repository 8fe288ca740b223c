import type { ClusterLoadAssignment, ClusterLoadAssignment_Policy } from '../../../gen/envoy/config/endpoint/v3/endpoint.ts';
import type { LbEndpoint, LocalityLbEndpoints } from '../../../gen/envoy/config/endpoint/v3/endpoint_components.ts';
import { addressOf, fieldPath, refuse, refuseOthers, type SocketEndpoint } from '../../runtime/compile/index.ts';
import type { Assignment, Endpoint, HealthStatus, NamedEndpoint } from '../types.ts';

/** config.core.v3.HealthStatus by number. */
const HEALTH: readonly HealthStatus[] = ['UNKNOWN', 'HEALTHY', 'UNHEALTHY', 'DRAINING', 'TIMEOUT', 'DEGRADED'];
const MAX_PRIORITY = 128;

/** Reads an assignment of literal addresses (EDS, STATIC). Throws CompileError with Envoy's text for a name. */
export function compileAssignment(path: string, message: ClusterLoadAssignment): Assignment {
  const endpoints = readEndpoints(path, message).map(({ address, ...endpoint }): Endpoint => {
    if (!address.isLiteral) {
      refuse(
        '',
        `malformed IP address: ${address.host}. Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'`,
      );
    }
    return { ...endpoint, ip: address.host, port: address.port, address: address.text };
  });
  return { endpoints, ...policyOf(path, message.policy) };
}

/** Reads the endpoints of a STRICT_DNS cluster: names, or literal addresses that resolve to themselves. */
export function compileNamedAssignment(
  path: string,
  message: ClusterLoadAssignment,
): { readonly endpoints: readonly NamedEndpoint[] } & Policy {
  const endpoints = readEndpoints(path, message).map(
    ({ address, ...endpoint }): NamedEndpoint => ({ ...endpoint, name: address.host, port: address.port }),
  );
  return { endpoints, ...policyOf(path, message.policy) };
}

interface ReadEndpoint extends Omit<Endpoint, 'address' | 'ip' | 'port'> {
  readonly address: SocketEndpoint;
}

function readEndpoints(path: string, message: ClusterLoadAssignment): ReadEndpoint[] {
  refuseOthers(path, message, { reads: ['clusterName', 'endpoints', 'policy'], harmless: [] });
  return message.endpoints.flatMap((group, i) => readGroup(fieldPath(path, `endpoints[${i}]`), group));
}

function readGroup(path: string, group: LocalityLbEndpoints): ReadEndpoint[] {
  // the weight of a locality only counts with locality weighted balancing, which the cluster compiler refuses
  refuseOthers(path, group, { reads: ['locality', 'lbEndpoints', 'priority'], harmless: ['metadata', 'loadBalancingWeight', 'proximity'] });
  if (group.priority > MAX_PRIORITY) refuse(fieldPath(path, 'priority'), `${group.priority} is out of range (0 to ${MAX_PRIORITY})`);
  const locality = {
    region: group.locality?.region ?? '',
    zone: group.locality?.zone ?? '',
    subZone: group.locality?.subZone ?? '',
  };
  return group.lbEndpoints.map((endpoint, i) => ({
    ...readEndpoint(fieldPath(path, `lbEndpoints[${i}]`), endpoint),
    priority: group.priority,
    locality,
  }));
}

function readEndpoint(path: string, message: LbEndpoint): Omit<ReadEndpoint, 'priority' | 'locality'> {
  refuseOthers(path, message, { reads: ['hostIdentifier', 'healthStatus', 'loadBalancingWeight'], harmless: ['metadata'] });
  const identifier = message.hostIdentifier;
  if (identifier?.$case !== 'endpoint')
    return refuse(fieldPath(path, identifier?.$case ?? 'endpoint'), identifier ? 'is not supported' : 'is required');
  const at = fieldPath(path, 'endpoint');
  // a health check's own port asks for nothing as long as there are no active checks
  refuseOthers(at, identifier.value, { reads: ['address', 'hostname'], harmless: ['healthCheckConfig'] });
  const healthStatus = HEALTH[message.healthStatus];
  if (!healthStatus) return refuse(fieldPath(path, 'healthStatus'), `${message.healthStatus} is no health status`);
  const weight = message.loadBalancingWeight ?? 1;
  if (weight < 1) refuse(fieldPath(path, 'loadBalancingWeight'), 'must be at least 1');
  return {
    address: addressOf(fieldPath(at, 'address'), identifier.value.address),
    hostname: identifier.value.hostname,
    healthStatus,
    weight,
  };
}

type Policy = Pick<Assignment, 'overprovisioningFactor' | 'dropFraction'>;

function policyOf(path: string, policy: ClusterLoadAssignment_Policy | undefined): Policy {
  if (!policy) return { overprovisioningFactor: 140 };
  const at = fieldPath(path, 'policy');
  refuseOthers(at, policy, { reads: ['overprovisioningFactor', 'dropOverloads'], harmless: [] });
  const factor = policy.overprovisioningFactor ?? 140;
  if (factor < 1) refuse(fieldPath(at, 'overprovisioningFactor'), 'must be greater than 0');
  return { overprovisioningFactor: factor, ...dropsOf(fieldPath(at, 'dropOverloads'), policy.dropOverloads) };
}

/** FractionalPercent.DenominatorType by number. */
const DENOMINATORS = [100, 10_000, 1_000_000] as const;

function dropsOf(path: string, drops: ClusterLoadAssignment_Policy['dropOverloads']): Pick<Assignment, 'dropFraction'> {
  const [drop] = drops;
  if (!drop) return {};
  if (drops.length > 1) refuse(path, 'only one category is supported');
  const { numerator = 0, denominator = 0 } = drop.dropPercentage ?? {};
  const whole = DENOMINATORS[denominator];
  if (whole === undefined || numerator > whole) return refuse(path, 'drop_ratio should be between 0 and 1');
  return { dropFraction: numerator / whole };
}
