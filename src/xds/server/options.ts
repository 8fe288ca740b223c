import { type Clock, formatHostPort, type HostPort, isLoopback, RingwayError } from '../../core/index.ts';
import type { Logger, MetricRegistry } from '../../telemetry/index.ts';
import type { SnapshotSource } from './types.ts';

/** PEM texts. */
interface XdsServerTls {
  readonly cert: string;
  readonly key: string;
  /** With it, clients must show a certificate that one of these signed. */
  readonly clientCa?: string;
}

export interface XdsServerOptions {
  readonly source: SnapshotSource;
  readonly listen: HostPort;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
  /** Without it the server refuses to listen on other than loopback addresses, unless `insecure`. */
  readonly tls?: XdsServerTls;
  /** The operator accepts that other machines may connect without TLS; warned of, and `ringway_insecure_listener` is 1. Default false. */
  readonly insecure?: boolean;
  /** What clients are told of who answers: Envoy's stat `control_plane.identifier`. Default `ringway`. */
  readonly controlPlane?: string;
  /** How long an update waits for one answer before it goes on without it, ms. Default 10000. */
  readonly ackTimeoutMs?: number;
  /** How long `stop` waits for connections to end, ms. Default 3000. */
  readonly stopTimeoutMs?: number;
  /** Longest request in bytes. Default 4 MiB, gRPC's; Envoy's first request is some tens of KiB. */
  readonly maxRequestBytes?: number;
  /** A connection that is silent this long is asked whether it lives, ms. Default 30000. */
  readonly keepaliveMs?: number;
}

/** All options, checked and filled in. */
export type CheckedOptions = Required<Omit<XdsServerOptions, 'tls'>> & { readonly tls: XdsServerTls | null };

/** Throws RingwayError `XDS_EXPOSED` for an address that others can reach without TLS. */
export function checkOptions(options: XdsServerOptions): CheckedOptions {
  const { tls = null, insecure = false, listen } = options;
  if (!tls && !insecure && !isLoopback(listen.host)) {
    const address = formatHostPort(listen);
    const message = `xds: ${address} is open to other machines and has no TLS, allowed: a loopback address, TLS, or insecure: true`;
    throw new RingwayError(message, { code: 'XDS_EXPOSED' });
  }
  return {
    controlPlane: 'ringway',
    ackTimeoutMs: 10_000,
    stopTimeoutMs: 3_000,
    maxRequestBytes: 4 * 1024 * 1024,
    keepaliveMs: 30_000,
    ...options,
    insecure,
    tls,
  };
}
