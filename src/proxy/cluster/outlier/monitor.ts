import type { OutlierSettings } from '../types.ts';

/** Why a host is thrown out; the names are those of Envoy's stats. */
export type EjectionCause =
  | 'consecutive_5xx'
  | 'consecutive_gateway_failure'
  | 'consecutive_local_origin_failure'
  | 'success_rate'
  | 'local_origin_success_rate'
  | 'failure_percentage'
  | 'local_origin_failure_percentage';

/** Requests of one kind in the interval that runs. */
export class RateWindow {
  total = 0;
  success = 0;

  /** Ends the interval and returns what it held. */
  take(): { readonly total: number; readonly successPercent: number } {
    const { total, success } = this;
    this.total = 0;
    this.success = 0;
    return { total, successPercent: total === 0 ? 0 : (100 * success) / total };
  }
}

/** What a monitor tells its detector. */
export interface MonitorEvents {
  onSuspect(cause: EjectionCause): void;
  /** The first result of an interval. */
  onFirstResult(): void;
}

/**
 * Watches the results of one host (envoy.config.cluster.v3.OutlierDetection). Without split_external_local_origin_errors what
 * fails here counts as the HTTP status Envoy would answer with (503, 504).
 */
export class HostMonitor {
  readonly external: RateWindow = new RateWindow();
  readonly local: RateWindow = new RateWindow();
  /** How many times in a row it was thrown out: multiplies the time it stays out. */
  ejections = 0;
  readonly #settings: OutlierSettings;
  readonly #events: MonitorEvents;
  #consecutive5xx = 0;
  #consecutiveGateway = 0;
  #consecutiveLocal = 0;

  constructor(settings: OutlierSettings, events: MonitorEvents) {
    this.#settings = settings;
    this.#events = events;
  }

  /** The upstream answered; for gRPC trailers-only answers `code` is the HTTP status its grpc-status stands for. */
  onResponse(code: number): void {
    if (this.external.total === 0) this.#events.onFirstResult();
    this.external.total += 1;
    if (code < 500 || code > 599) {
      this.external.success += 1;
      this.#consecutive5xx = 0;
      this.#consecutiveGateway = 0;
      return;
    }
    if (code >= 502 && code <= 504) {
      this.#consecutiveGateway += 1;
      if (this.#consecutiveGateway === this.#settings.consecutiveGatewayFailure) {
        this.#consecutiveGateway = 0;
        this.#events.onSuspect('consecutive_gateway_failure');
      }
    } else {
      this.#consecutiveGateway = 0;
    }
    this.#consecutive5xx += 1;
    if (this.#consecutive5xx === this.#settings.consecutive5xx) {
      this.#consecutive5xx = 0;
      this.#events.onSuspect('consecutive_5xx');
    }
  }

  /** A stream was had: a success only where local errors are watched apart. */
  onConnected(): void {
    if (!this.#settings.splitLocalOrigin) return;
    this.#countLocal();
    this.local.success += 1;
    this.#consecutiveLocal = 0;
  }

  /** It could not be reached, broke off (503) or took too long (504). */
  onFailure(kind: 'connection' | 'timeout'): void {
    if (!this.#settings.splitLocalOrigin) {
      this.onResponse(kind === 'timeout' ? 504 : 503);
      return;
    }
    this.#countLocal();
    this.#consecutiveLocal += 1;
    if (this.#consecutiveLocal === this.#settings.consecutiveLocalOriginFailure) {
      this.#consecutiveLocal = 0;
      this.#events.onSuspect('consecutive_local_origin_failure');
    }
  }

  /** It is back in: old failures must not throw it out again at once. */
  forgive(): void {
    this.#consecutive5xx = 0;
    this.#consecutiveGateway = 0;
    this.#consecutiveLocal = 0;
  }

  #countLocal(): void {
    if (this.local.total === 0) this.#events.onFirstResult();
    this.local.total += 1;
  }
}
