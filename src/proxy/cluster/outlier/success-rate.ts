import type { OutlierSettings } from '../types.ts';
import type { EjectionCause } from './monitor.ts';

/** What one host did in the interval that ended. */
export interface HostRate<H> {
  readonly host: H;
  readonly total: number;
  readonly successPercent: number;
}

/** A host that stands out, and by which rule. */
export interface Standout<H> {
  readonly host: H;
  readonly cause: EjectionCause;
}

/** Hosts whose success rate lies too far below the others', or whose failures are too many. Pure. */
export function findStandouts<H>(
  rates: readonly HostRate<H>[],
  hostCount: number,
  kind: 'external' | 'local',
  settings: OutlierSettings,
): readonly Standout<H>[] {
  return [...bySuccessRate(rates, hostCount, kind, settings), ...byFailurePercentage(rates, hostCount, kind, settings)];
}

function bySuccessRate<H>(
  rates: readonly HostRate<H>[],
  hostCount: number,
  kind: 'external' | 'local',
  settings: OutlierSettings,
): Standout<H>[] {
  const minimum = settings.successRateMinimumHosts;
  const valid = rates.filter(({ total }) => total >= settings.successRateRequestVolume);
  if (hostCount < minimum || valid.length < minimum || valid.length === 0) return [];
  const mean = valid.reduce((sum, { successPercent }) => sum + successPercent, 0) / valid.length;
  const variance = valid.reduce((sum, { successPercent }) => sum + (successPercent - mean) ** 2, 0) / valid.length;
  const threshold = mean - (settings.successRateStdevFactor / 1000) * Math.sqrt(variance);
  const cause = kind === 'external' ? 'success_rate' : 'local_origin_success_rate';
  return valid.filter(({ successPercent }) => successPercent < threshold).map(({ host }) => ({ host, cause }));
}

function byFailurePercentage<H>(
  rates: readonly HostRate<H>[],
  hostCount: number,
  kind: 'external' | 'local',
  settings: OutlierSettings,
): Standout<H>[] {
  const minimum = settings.failurePercentageMinimumHosts;
  const valid = rates.filter(({ total }) => total >= settings.failurePercentageRequestVolume);
  if (hostCount < minimum || valid.length < minimum) return [];
  const cause = kind === 'external' ? 'failure_percentage' : 'local_origin_failure_percentage';
  return valid
    .filter(({ successPercent }) => 100 - successPercent >= settings.failurePercentageThreshold)
    .map(({ host }) => ({ host, cause }));
}
