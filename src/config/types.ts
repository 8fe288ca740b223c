// ringway.yaml as values: defaults filled in, texts parsed, paths absolute.
import type { HostPort } from '../core/index.ts';

/** The whole file. Rings stand in the order of the file. */
export interface RingwayConfig {
  readonly rings: ReadonlyMap<string, RingConfig>;
  readonly control: { readonly xds: ListenConfig };
  readonly admin: ListenConfig;
  readonly telemetry: { readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent' };
}

/** Where a server of ours listens. */
export interface ListenConfig {
  /** Host '' is every address of this machine. */
  readonly listen: HostPort;
  /** The operator accepts that others than this machine may connect without TLS. */
  readonly insecure: boolean;
}

/** How one ring is put together. */
export interface RingConfig {
  /** At least one; the first has precedence. */
  readonly sources: readonly SourceConfig[];
  /** What members may advertise: CIDRs, addresses, names, `*.suffix`; null when the file does not say. */
  readonly allowedAddresses: readonly string[] | null;
  /** A heartbeat older than this is no sign of life, ms. */
  readonly heartbeatTimeoutMs: number;
  /** How long the last report of a failing source is used, and how long a source that has never been read is waited for, ms. */
  readonly staleAfterMs: number;
  /** Whether the ring may go from members to none when every source says so. */
  readonly allowEmpty: boolean;
}

export type SourceConfig =
  | TempoSourceConfig
  | GossipSourceConfig
  | NatsSourceConfig
  | KubernetesSourceConfig
  | DnsSourceConfig
  | EtcdSourceConfig
  | ConsulSourceConfig
  | StaticSourceConfig;

/** Where a secret is read from, each time it is needed; never the secret itself. File paths are absolute. */
export type SecretRef = { readonly kind: 'file'; readonly file: string } | { readonly kind: 'env'; readonly name: string };

/** How a client of ours proves who it is, and whom it trusts. Paths absolute; files are read again for new connections. */
export interface ClientTlsConfig {
  /** PEM of the authorities to trust; null: the system's. */
  readonly ca: string | null;
  /** Certificate chain and key, both or neither. */
  readonly certificate: string | null;
  readonly privateKey: string | null;
  /** The name the server's certificate must have; null: the host that is dialled. */
  readonly serverName: string | null;
  /** The server's certificate is not checked. */
  readonly insecureSkipVerify: boolean;
}

/** A running Tempo: any process that has the ring. */
export interface TempoSourceConfig {
  readonly kind: 'tempo';
  /** Base URLs without a trailing slash. */
  readonly urls: readonly string[];
  readonly everyMs: number;
  readonly timeoutMs: number;
  readonly keys: RingKeys;
  /** null: none of our own; https URLs then trust the system's authorities. */
  readonly tls: ClientTlsConfig | null;
  /** Sent as `authorization: Bearer …`; null: none. */
  readonly bearer: SecretRef | null;
  /** Further headers of each request. */
  readonly headers: ReadonlyMap<string, string | SecretRef>;
}

/** Keys of the two halves of a dskit ring in its key-value store. */
export interface RingKeys {
  readonly instances: string;
  /** Null for a ring without partitions. */
  readonly partitions: string | null;
}

/** dskit's memberlist key-value store, pulled from outside by an observer that never joins. */
export interface GossipSourceConfig {
  readonly kind: 'gossip';
  /** `host:port`, or with one of dskit's prefixes: `dns+host:port` (A, AAAA), `dnssrv+name` (SRV, targets looked up), `dnssrvnoa+name` (SRV, targets left as names). */
  readonly seeds: readonly string[];
  readonly everyMs: number;
  readonly timeoutMs: number;
  /** `memberlist.cluster_label`; '' when there is none. */
  readonly clusterLabel: string;
  readonly keys: RingKeys;
  /** null: plain TCP. */
  readonly tls: ClientTlsConfig | null;
}

/** How to reach a NATS server, for sources and for the member agent. */
export interface NatsConnectionConfig {
  /** `nats://host:port` or `tls://host:port`, at least one; the rest of a cluster is found by itself. */
  readonly servers: readonly string[];
  /** At most one way to log in; null: none. Credentials and seeds are files, so that they can be replaced. */
  readonly login: NatsLogin | null;
  /** null: plain TCP unless the server asks for TLS. */
  readonly tls: ClientTlsConfig | null;
  /** The JetStream key-value bucket. */
  readonly bucket: string;
}

export type NatsLogin =
  /** A `.creds` file: JWT and NKey seed. */
  | { readonly kind: 'credentials'; readonly file: string }
  /** A file with an NKey seed. */
  | { readonly kind: 'nkey'; readonly file: string }
  | { readonly kind: 'password'; readonly user: string; readonly password: SecretRef }
  | { readonly kind: 'token'; readonly token: SecretRef };

/** Members that announce themselves in a JetStream key-value bucket. */
export interface NatsSourceConfig extends NatsConnectionConfig {
  readonly kind: 'nats';
  /** Copies of the bucket, when it has to be created: 1, 3 or 5. */
  readonly replicas: number;
  /** A member without a heartbeat for this long is removed from the bucket, ms. */
  readonly forgetAfterMs: number;
}

/** The EndpointSlices of a Kubernetes Service. */
export interface KubernetesSourceConfig {
  readonly kind: 'kubernetes';
  readonly service: string;
  /** null: the namespace of the service account. */
  readonly namespace: string | null;
  /** Port that members advertise: a number, or the name of a port of the Service. */
  readonly port: number | string;
  /** Base URL without a trailing slash; null: as the environment of a pod says it. */
  readonly server: string | null;
  /** Read again for each connection; null: the service account's, and none when `server` is given. Never with an `http:` server. */
  readonly tokenFile: string | null;
  /** PEM, read again for each connection; null: the service account's, and the system's authorities when `server` is given. */
  readonly caFile: string | null;
  /** Whether the number after the last dash of a pod's name is its partition (Tempo's rule). */
  readonly partitionFromName: boolean;
  /** Which address of a member that has both is advertised. */
  readonly family: 'IPv4' | 'IPv6';
}

/** A name in DNS. */
export interface DnsSourceConfig {
  readonly kind: 'dns';
  /** With a dot at its end it is whole; without, the system's search domains count too, unless `servers` are given. */
  readonly dnsName: string;
  /** SRV targets carry the port and are members named after their first label; with A and AAAA each address is a member at `port`. */
  readonly records: 'A' | 'AAAA' | 'A+AAAA' | 'SRV';
  /** null with SRV. */
  readonly port: number | null;
  /** `ip:port` of DNS servers, asked in this order; empty: the system's. */
  readonly servers: readonly string[];
  /** Answers are asked for again when their TTL is over, but not before `minTtlMs` and not later than `maxTtlMs`. */
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  /** For one answer of one server. */
  readonly timeoutMs: number;
  /** Zone of every member: '' for none. */
  readonly zone: string;
}

/** dskit's rings in etcd, over its v3 gRPC API. */
export interface EtcdSourceConfig {
  readonly kind: 'etcd';
  /** `http://host:port` or `https://host:port` of the members of one cluster; at least one. */
  readonly endpoints: readonly string[];
  readonly keys: RingKeys;
  /** For one answer. */
  readonly timeoutMs: number;
  /** null: https endpoints are checked by the system's authorities. */
  readonly tls: ClientTlsConfig | null;
  /** null: no authentication. */
  readonly login: { readonly user: string; readonly password: SecretRef } | null;
}

/** dskit's rings in Consul's key-value store. */
export interface ConsulSourceConfig {
  readonly kind: 'consul';
  /** Base URL without a trailing slash. */
  readonly url: string;
  readonly keys: RingKeys;
  readonly timeoutMs: number;
  /** How long one blocking query may wait for a change, ms. */
  readonly waitMs: number;
  /** '' : the agent's own. */
  readonly datacenter: string;
  readonly token: SecretRef | null;
  readonly tls: ClientTlsConfig | null;
}

/** A list of members in a file. */
export interface StaticSourceConfig {
  readonly kind: 'static';
  /** Absolute path. */
  readonly file: string;
}
