import type { Clock, Random, Timer } from '../../../core/index.ts';
import type { Counter, Gauge, StatScope } from '../../../telemetry/index.ts';
import type { Host } from '../host.ts';
import type { OutlierSettings } from '../types.ts';
import { type EjectionCause, HostMonitor } from './monitor.ts';
import { findStandouts, type HostRate } from './success-rate.ts';

export interface DetectorDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly scope: StatScope;
  /** A host went out or came back: the host set has to be made anew. */
  readonly onHealthChange: () => void;
}

/**
 * Passive health checks of one cluster: throws hosts out by what their answers were and lets them back after a while. The interval
 * timer only runs while there is something to look at.
 */
export class OutlierDetector {
  readonly #settings: OutlierSettings;
  readonly #deps: DetectorDeps;
  readonly #hosts = new Map<Host, HostMonitor>();
  /** Only shown, never asked: other clusters of the same stat name write it as well. */
  readonly #active: Gauge;
  readonly #enforced: Counter;
  readonly #overflow: Counter;
  #timer: Timer | undefined;

  constructor(settings: OutlierSettings, deps: DetectorDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#active = deps.scope.gauge('outlier_detection.ejections_active');
    this.#enforced = deps.scope.counter('outlier_detection.ejections_enforced_total');
    this.#overflow = deps.scope.counter('outlier_detection.ejections_overflow');
  }

  /** Begins to watch a host; kept until `remove`. */
  add(host: Host): void {
    const monitor = new HostMonitor(this.#settings, { onSuspect: (cause) => this.#suspect(host, cause), onFirstResult: () => this.#arm() });
    this.#hosts.set(host, monitor);
    host.monitor = monitor;
  }

  remove(host: Host): void {
    if (!this.#hosts.delete(host)) return;
    if (host.ejection.state === 'ejected') this.#active.value -= 1;
    host.monitor = undefined;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #suspect(host: Host, cause: EjectionCause): void {
    if (this.#eject(host, cause)) this.#deps.onHealthChange();
  }

  /** Throws `host` out if the limits allow it. */
  #eject(host: Host, cause: EjectionCause): boolean {
    const monitor = this.#hosts.get(host);
    if (!monitor || host.ejection.state === 'ejected') return false;
    this.#count(`ejections_detected_${cause}`);
    if (!this.#mayEject()) {
      this.#overflow.value += 1;
      return false;
    }
    if (this.#deps.random() * 100 >= enforcing(this.#settings, cause)) return false;
    const { baseEjectionMs, maxEjectionJitterMs } = this.#settings;
    const maxMs = Math.max(baseEjectionMs, this.#settings.maxEjectionMs);
    if (baseEjectionMs * (monitor.ejections + 1) < maxMs + baseEjectionMs) monitor.ejections += 1;
    const forMs = Math.min(baseEjectionMs * monitor.ejections, maxMs) + this.#deps.random() * maxEjectionJitterMs;
    host.ejection = { state: 'ejected', atMs: this.#deps.clock.monotonicMs(), forMs };
    this.#active.value += 1;
    this.#enforced.value += 1;
    this.#count(`ejections_enforced_${cause}`);
    this.#arm();
    return true;
  }

  /** max_ejection_percent, counted over hosts that are available otherwise: the last one that EDS leaves is not thrown out. */
  #mayEject(): boolean {
    let available = 0;
    let ejected = 0;
    for (const host of this.#hosts.keys()) {
      if (!host.isAvailableByEds) continue;
      available += 1;
      if (host.ejection.state === 'ejected') ejected += 1;
    }
    const percent = (100 * (ejected + 1)) / available;
    return percent <= this.#settings.maxEjectionPercent || (this.#settings.alwaysEjectOneHost && ejected === 0);
  }

  #count(stat: string): void {
    this.#deps.scope.counter(`outlier_detection.${stat}`).value += 1;
  }

  #arm(): void {
    this.#timer ??= this.#deps.clock.after(this.#settings.intervalMs, () => this.#tick());
  }

  #tick(): void {
    this.#timer = undefined;
    let changed = this.#letBack();
    const external = this.#rates('external');
    const local = this.#rates('local');
    const kinds = this.#settings.splitLocalOrigin ? (['external', 'local'] as const) : (['external'] as const);
    for (const kind of kinds) {
      const rates = kind === 'external' ? external : local;
      for (const { host, cause } of findStandouts(rates, this.#hosts.size, kind, this.#settings)) {
        changed = this.#eject(host, cause) || changed;
      }
    }
    if (changed) this.#deps.onHealthChange();
    if (this.#hasHistory()) this.#arm();
  }

  /** Somebody is out, or was lately: time alone changes something. */
  #hasHistory(): boolean {
    for (const [host, monitor] of this.#hosts) if (host.ejection.state === 'ejected' || monitor.ejections > 0) return true;
    return false;
  }

  #letBack(): boolean {
    const nowMs = this.#deps.clock.monotonicMs();
    let changed = false;
    for (const [host, monitor] of this.#hosts) {
      if (host.ejection.state === 'in') {
        monitor.ejections = Math.max(0, monitor.ejections - 1);
      } else if (nowMs - host.ejection.atMs >= host.ejection.forMs) {
        host.ejection = { state: 'in' };
        this.#active.value -= 1;
        monitor.forgive();
        changed = true;
      }
    }
    return changed;
  }

  #rates(kind: 'external' | 'local'): HostRate<Host>[] {
    const rates: HostRate<Host>[] = [];
    for (const [host, monitor] of this.#hosts) {
      const rate = monitor[kind].take();
      if (host.ejection.state === 'in' && rate.total > 0) rates.push({ host, ...rate });
    }
    return rates;
  }
}

function enforcing(settings: OutlierSettings, cause: EjectionCause): number {
  switch (cause) {
    case 'consecutive_5xx':
      return settings.enforcingConsecutive5xx;
    case 'consecutive_gateway_failure':
      return settings.enforcingConsecutiveGatewayFailure;
    case 'consecutive_local_origin_failure':
      return settings.enforcingConsecutiveLocalOriginFailure;
    case 'success_rate':
      return settings.enforcingSuccessRate;
    case 'local_origin_success_rate':
      return settings.enforcingLocalOriginSuccessRate;
    case 'failure_percentage':
      return settings.enforcingFailurePercentage;
    case 'local_origin_failure_percentage':
      return settings.enforcingFailurePercentageLocalOrigin;
  }
}
