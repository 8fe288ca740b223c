import type { Cluster } from '../../gen/envoy/config/cluster/v3/cluster.ts';
import type { ClusterLoadAssignment } from '../../gen/envoy/config/endpoint/v3/endpoint.ts';
import type { Listener } from '../../gen/envoy/config/listener/v3/listener.ts';
import type { RouteConfiguration } from '../../gen/envoy/config/route/v3/route.ts';
import type { MemberId, RingName } from '../../membership/types.ts';
import { authorityKey } from '../stage/claims.ts';
import type { RingStage, StagedMember } from '../stage/types.ts';
import { memberCluster } from './cluster.ts';
import { hasLiteralAddress, memberEndpoints } from './endpoints.ts';
import { type Owners, ownersOf, standInsOf } from './failover.ts';
import { egressListener } from './listener.ts';
import { egressRoutes, type MemberRoute } from './routes.ts';

/** The resources of one view as messages, before they become bytes. */
export interface Resources {
  readonly clusters: readonly Cluster[];
  readonly endpoints: readonly ClusterLoadAssignment[];
  readonly listeners: readonly Listener[];
  readonly routes: readonly RouteConfiguration[];
}

/** What makes one client's egress view differ from another's. */
export interface EgressParameters {
  /** Literal ip:port. */
  readonly listen: string;
  /** '' when the client names none. */
  readonly zone: string;
}

/**
 * The egress view of a ring: one listener that routes by :authority, one cluster a member. Pure: the same stage and parameters give
 * the same messages, member after member in order of id.
 */
export function egressResources(stage: RingStage, { listen, zone }: EgressParameters): Resources {
  const name = `${stage.name}/egress`;
  const aliases = memberAliases(stage);
  const owners = ownersOf(stage);
  const parts = stage.members.map((member) => memberResources(stage.name, member, { owners, aliases, clientZone: zone }));
  return {
    clusters: parts.map(({ cluster }) => cluster),
    endpoints: parts.flatMap(({ endpoints }) => endpoints),
    listeners: [egressListener(name, listen)],
    routes: [
      egressRoutes(
        name,
        parts.flatMap(({ route }) => route),
      ),
    ],
  };
}

/** What a member's resources depend on beside itself. */
interface Around {
  readonly owners: Owners;
  /** Member ids that can be called by name. */
  readonly aliases: ReadonlyMap<MemberId, string>;
  readonly clientZone: string;
}

interface MemberResources {
  readonly cluster: Cluster;
  /** Empty where the cluster itself holds them. */
  readonly endpoints: readonly ClusterLoadAssignment[];
  /** Empty once no route leads to the member. */
  readonly route: readonly MemberRoute[];
}

function memberResources(ring: RingName, member: StagedMember, around: Around): MemberResources {
  const cluster = `${ring}/${member.id}`;
  const standIns = standInsOf(member, around.owners, around.clientZone);
  const owners = [member, ...standIns];
  const endpoints = memberEndpoints(cluster, member, standIns);
  const alias = around.aliases.get(member.id);
  const domains = [...member.domains.map(({ address }) => authorityKey(address)), ...(alias === undefined ? [] : [alias])];
  return {
    cluster: memberCluster(ring, member, endpoints, owners),
    endpoints: owners.every(hasLiteralAddress) ? [endpoints] : [],
    route: member.domains.length === 0 ? [] : [{ cluster, domains, askable: owners.filter(({ healthy }) => healthy).length }],
  };
}

/** Member ids that can be called by name as well: plain words that are nobody else's authority, whatever their case. */
function memberAliases(stage: RingStage): ReadonlyMap<MemberId, string> {
  const routed = stage.members.filter(({ domains }) => domains.length > 0);
  const uses = new Map<string, number>();
  for (const name of routed.flatMap(({ id, domains }) => [id, ...domains.map(({ address }) => address)]))
    uses.set(authorityKey(name), (uses.get(authorityKey(name)) ?? 0) + 1);
  const usable = routed.filter(({ id }) => /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(id) && uses.get(authorityKey(id)) === 1);
  return new Map(usable.map(({ id }) => [id, authorityKey(id)]));
}
