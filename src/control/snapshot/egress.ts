import type { Cluster } from '../../gen/envoy/config/cluster/v3/cluster.ts';
import type { ClusterLoadAssignment } from '../../gen/envoy/config/endpoint/v3/endpoint.ts';
import type { Listener } from '../../gen/envoy/config/listener/v3/listener.ts';
import type { RouteConfiguration } from '../../gen/envoy/config/route/v3/route.ts';
import type { VirtualHost } from '../../gen/envoy/config/route/v3/route_components.ts';
import type { MemberId, RingName } from '../../membership/types.ts';
import { authorityKey } from '../stage/claims.ts';
import type { RingStage, StagedMember } from '../stage/types.ts';
import { memberCluster } from './cluster.ts';
import { hasLiteralAddress, memberEndpoints } from './endpoints.ts';
import { ownersOf, standInsOf } from './failover.ts';
import { egressListener } from './listener.ts';
import { egressRoutes, memberVirtualHost } from './routes.ts';

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
 * the same messages, member after member in order of id. With the memo of the same view's last stage, members whose resources are as
 * before get the same objects as before.
 */
export function egressResources(stage: RingStage, { listen, zone }: EgressParameters, memo: MemberMemo = new MemberMemo()): Resources {
  const name = `${stage.name}/egress`;
  const aliases = memberAliases(stage);
  const owners = ownersOf(stage);
  const parts = stage.members.map((member) => {
    const around: Around = { ring: stage.name, standIns: standInsOf(member, owners, zone), alias: aliases.get(member.id) ?? null };
    return memo.resourcesOf(member, around);
  });
  return {
    clusters: parts.map(({ cluster }) => cluster),
    endpoints: parts.flatMap(({ endpoints }) => endpoints),
    listeners: [egressListener(name, listen)],
    routes: [
      egressRoutes(
        name,
        stage.name,
        parts.flatMap(({ virtualHosts }) => virtualHosts),
      ),
    ],
  };
}

/** What a member's resources depend on beside itself. */
interface Around {
  readonly ring: RingName;
  readonly standIns: readonly StagedMember[];
  /** Its id where it can be called by it. */
  readonly alias: string | null;
}

interface MemberResources {
  readonly cluster: Cluster;
  /** Empty where the cluster itself holds them. */
  readonly endpoints: readonly ClusterLoadAssignment[];
  /** Empty once no route leads to the member. */
  readonly virtualHosts: readonly VirtualHost[];
}

/** Remembers what was made of each member of one view: a change of one does not make the others' resources anew. */
export class MemberMemo {
  readonly #made = new WeakMap<StagedMember, { readonly around: Around; readonly resources: MemberResources }>();

  resourcesOf(member: StagedMember, around: Around): MemberResources {
    const known = this.#made.get(member);
    if (known && isSame(known.around, around)) return known.resources;
    const resources = memberResources(member, around);
    this.#made.set(member, { around, resources });
    return resources;
  }
}

function isSame(a: Around, b: Around): boolean {
  const sameStandIns = a.standIns.length === b.standIns.length && a.standIns.every((standIn, i) => standIn === b.standIns[i]);
  return sameStandIns && a.ring === b.ring && a.alias === b.alias;
}

function memberResources(member: StagedMember, { ring, standIns, alias }: Around): MemberResources {
  const cluster = `${ring}/${member.id}`;
  const owners = [member, ...standIns];
  const endpoints = memberEndpoints(cluster, member, standIns);
  const domains = [...member.domains.map(({ address }) => authorityKey(address)), ...(alias === null ? [] : [alias])];
  const askable = owners.filter(({ healthy }) => healthy).length;
  return {
    cluster: memberCluster(ring, member, endpoints, owners),
    endpoints: owners.every(hasLiteralAddress) ? [endpoints] : [],
    virtualHosts: member.domains.length === 0 ? [] : [memberVirtualHost({ cluster, domains, askable })],
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
