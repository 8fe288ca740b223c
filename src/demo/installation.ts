import type { HostPort } from '../core/index.ts';

/** One sample live-store and the inbound sidecar beside it. */
export interface SampleMember {
  readonly id: string;
  readonly zone: string;
  readonly partition: number;
  /** In the ring: the sidecar's. */
  readonly advertised: HostPort;
  /** The live-store's own; in no ring. */
  readonly local: HostPort;
  readonly sidecarAdmin: HostPort;
  readonly http: HostPort;
}

/** What `up` starts and where it listens, all on loopback. */
export interface Installation {
  readonly partitions: number;
  readonly members: readonly SampleMember[];
  readonly xds: HostPort;
  readonly controlAdmin: HostPort;
  /** Where the members stand: on the ring pages of a sample distributor, or on NATS servers, by their inbound sidecars. */
  readonly ring:
    | { readonly kind: 'pages'; readonly distributor: HostPort }
    | { readonly kind: 'nats'; readonly servers: readonly string[] };
  readonly egress: HostPort;
  readonly egressAdmin: HostPort;
}

const PARTITIONS = 2;
const BASE = { xds: 18_000, controlAdmin: 9902, distributor: 3200, egress: 9096, egressAdmin: 9901 } as const;
const BASE_OF_MEMBERS = { advertised: 9111, local: 9121, sidecarAdmin: 9131, http: 9141 } as const;
/** The largest offset that keeps every port in range. */
export const MAX_PORT_OFFSET: number = 65_535 - BASE.xds;

/** Live-stores of `zones` zones × two partitions, named as Tempo's StatefulSets name them. `nats`: servers for their ring; [] is none. */
export function planInstallation(options: {
  readonly zones: number;
  readonly portOffset: number;
  readonly nats?: readonly string[];
}): Installation {
  const { nats = [] } = options;
  const at = (port: number): HostPort => ({ host: '127.0.0.1', port: port + options.portOffset });
  const members: SampleMember[] = [];
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    for (let z = 0; z < options.zones; z += 1) {
      const zone = `zone-${String.fromCharCode(97 + z)}`;
      const n = members.length;
      members.push({
        id: `live-store-${zone}-${partition}`,
        zone,
        partition,
        advertised: at(BASE_OF_MEMBERS.advertised + n),
        local: at(BASE_OF_MEMBERS.local + n),
        sidecarAdmin: at(BASE_OF_MEMBERS.sidecarAdmin + n),
        http: at(BASE_OF_MEMBERS.http + n),
      });
    }
  }
  return {
    partitions: PARTITIONS,
    members,
    xds: at(BASE.xds),
    controlAdmin: at(BASE.controlAdmin),
    ring: nats.length > 0 ? { kind: 'nats', servers: nats } : { kind: 'pages', distributor: at(BASE.distributor) },
    egress: at(BASE.egress),
    egressAdmin: at(BASE.egressAdmin),
  };
}

/** Every address that will be bound, with who binds it. */
export function listenersOf(plan: Installation): readonly { readonly who: string; readonly address: HostPort }[] {
  return [
    { who: 'control (xDS)', address: plan.xds },
    { who: 'control (admin)', address: plan.controlAdmin },
    ...(plan.ring.kind === 'pages' ? [{ who: 'sample distributor', address: plan.ring.distributor }] : []),
    { who: 'egress sidecar', address: plan.egress },
    { who: 'egress sidecar (admin)', address: plan.egressAdmin },
    ...plan.members.flatMap((member) => [
      { who: `inbound sidecar of ${member.id}`, address: member.advertised },
      { who: `inbound sidecar of ${member.id} (admin)`, address: member.sidecarAdmin },
      { who: `sample ${member.id}`, address: member.local },
      { who: `sample ${member.id} (http)`, address: member.http },
    ]),
  ];
}
