import type { NatsConnectionConfig } from '../../config/types.ts';
import type { HostPort } from '../../core/index.ts';
import type { Problem } from '../../envoy/index.ts';
import type { Bootstrap } from '../../gen/envoy/config/bootstrap/v3/bootstrap.ts';

/** What Envoy's flags say about its configuration. */
export interface BootstrapOptions {
  /** -c: read as YAML when it ends in .yaml or .yml, else as JSON. At least one of this and `configYaml`. */
  readonly configPath?: string;
  /** --config-yaml: laid over the file as protobuf merges. */
  readonly configYaml?: string;
  /** --service-node, --service-cluster, --service-zone: win over the file unless empty. */
  readonly serviceNode?: string;
  readonly serviceCluster?: string;
  readonly serviceZone?: string;
  /** --allow-unknown-static-fields: unknown fields are warnings. */
  readonly allowsUnknownFields?: boolean;
}

/** A bootstrap that may be run. */
export interface LoadedBootstrap {
  readonly bootstrap: Bootstrap;
  /** What is doubtful, and what a sidecar does not do; in the order of the text. */
  readonly warnings: readonly Problem[];
}

/** What a sidecar beside a live-store is made of. */
export interface InboundOptions {
  readonly ring: string;
  /** Where it listens: the advertised address. Without a host on every IPv4 address. */
  readonly listen: HostPort;
  /** Where the live-store listens; may be a name. Without a host 127.0.0.1. */
  readonly local: HostPort;
  /** node.id; left out, `--service-node` says it at start. */
  readonly member?: string;
  readonly zone?: string;
  /** The control server; may be a name. Left out, the sidecar runs from its bootstrap alone. */
  readonly control?: HostPort;
  /** Admin pages; none unless given. Without a host on loopback. */
  readonly admin?: HostPort;
  /** How the member announces itself; it does not unless given. Real Envoy reads past it. */
  readonly announce?: AnnounceSettings;
  /** Addresses and names of this machine, for the loop check. */
  readonly ownAddresses?: readonly string[];
}

/** How a member announces itself over NATS. */
export interface AnnounceSettings {
  readonly nats: NatsConnectionConfig;
  /** host:port; null: found out at the start. */
  readonly advertise: string | null;
  /** The partition it owns; null: none. From the id: the number after its last dash. */
  readonly partition: number | null | 'from the id';
  /** `x-scope-orgid` of health checks. */
  readonly healthTenant: string;
}

/** Who is announced: settings and the rest of the bootstrap together. */
export interface AnnouncePlan {
  readonly settings: AnnounceSettings;
  readonly ring: string;
  readonly member: string;
  /** '' when the node names none. */
  readonly zone: string;
  readonly partition: number | null;
  /** The listener that stands at the advertised address, and its own. */
  readonly listener: string;
  readonly listen: HostPort;
  /** Where the live-store listens: who is asked for its health. */
  readonly local: HostPort;
}

/** What a sidecar beside a querier is made of: all but this comes from control. */
export interface EgressOptions {
  readonly ring: string;
  /** Where control puts the listener: an IP address. Without a host 127.0.0.1. */
  readonly listen: HostPort;
  /** The control server; may be a name. */
  readonly control: HostPort;
  /** node.id: any unique one; left out, `--service-node` says it at start. */
  readonly nodeId?: string;
  readonly zone?: string;
  /** Admin pages; none unless given. Without a host on loopback. */
  readonly admin?: HostPort;
}
