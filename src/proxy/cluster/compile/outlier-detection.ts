import type { OutlierDetection } from '../../../gen/envoy/config/cluster/v3/outlier_detection.ts';
import { durationMs, fieldPath, refuse, refuseOthers } from '../../runtime/compile/index.ts';
import type { OutlierSettings } from '../types.ts';

const READS = [
  'consecutive5xx',
  'interval',
  'baseEjectionTime',
  'maxEjectionPercent',
  'enforcingConsecutive5xx',
  'enforcingSuccessRate',
  'successRateMinimumHosts',
  'successRateRequestVolume',
  'successRateStdevFactor',
  'consecutiveGatewayFailure',
  'enforcingConsecutiveGatewayFailure',
  'splitExternalLocalOriginErrors',
  'consecutiveLocalOriginFailure',
  'enforcingConsecutiveLocalOriginFailure',
  'enforcingLocalOriginSuccessRate',
  'failurePercentageThreshold',
  'enforcingFailurePercentage',
  'enforcingFailurePercentageLocalOrigin',
  'failurePercentageMinimumHosts',
  'failurePercentageRequestVolume',
  'maxEjectionTime',
  'maxEjectionTimeJitter',
  'alwaysEjectOneHost',
] as const satisfies readonly (keyof OutlierDetection)[];

/** Every number of OutlierDetection with its default; null when the cluster has none. */
export function compileOutlierDetection(path: string, message: OutlierDetection | undefined): OutlierSettings | null {
  if (!message) return null;
  // there are no active health checks whose success could bring a host back
  refuseOthers(path, message, { reads: READS, harmless: ['successfulActiveHealthCheckUnejectHost'] });
  const percent = (key: keyof OutlierDetection, fallback: number): number => {
    const value = (message[key] as number | undefined) ?? fallback;
    return value <= 100 ? value : refuse(fieldPath(path, key), `${value} is not a percentage (0 to 100)`);
  };
  const positiveMs = (key: 'interval' | 'baseEjectionTime' | 'maxEjectionTime', fallbackMs: number): number => {
    const ms = durationMs(fieldPath(path, key), message[key], fallbackMs);
    return ms > 0 ? ms : refuse(fieldPath(path, key), 'must be greater than 0');
  };
  return {
    intervalMs: positiveMs('interval', 10_000),
    baseEjectionMs: positiveMs('baseEjectionTime', 30_000),
    maxEjectionMs: positiveMs('maxEjectionTime', 300_000),
    maxEjectionJitterMs: durationMs(fieldPath(path, 'maxEjectionTimeJitter'), message.maxEjectionTimeJitter, 0),
    maxEjectionPercent: percent('maxEjectionPercent', 10),
    alwaysEjectOneHost: message.alwaysEjectOneHost ?? false,
    splitLocalOrigin: message.splitExternalLocalOriginErrors,
    consecutive5xx: message.consecutive5xx ?? 5,
    enforcingConsecutive5xx: percent('enforcingConsecutive5xx', 100),
    consecutiveGatewayFailure: message.consecutiveGatewayFailure ?? 5,
    enforcingConsecutiveGatewayFailure: percent('enforcingConsecutiveGatewayFailure', 0),
    consecutiveLocalOriginFailure: message.consecutiveLocalOriginFailure ?? 5,
    enforcingConsecutiveLocalOriginFailure: percent('enforcingConsecutiveLocalOriginFailure', 100),
    successRateMinimumHosts: message.successRateMinimumHosts ?? 5,
    successRateRequestVolume: message.successRateRequestVolume ?? 100,
    successRateStdevFactor: message.successRateStdevFactor ?? 1900,
    enforcingSuccessRate: percent('enforcingSuccessRate', 100),
    enforcingLocalOriginSuccessRate: percent('enforcingLocalOriginSuccessRate', 100),
    failurePercentageThreshold: percent('failurePercentageThreshold', 85),
    failurePercentageMinimumHosts: message.failurePercentageMinimumHosts ?? 5,
    failurePercentageRequestVolume: message.failurePercentageRequestVolume ?? 50,
    enforcingFailurePercentage: percent('enforcingFailurePercentage', 0),
    enforcingFailurePercentageLocalOrigin: percent('enforcingFailurePercentageLocalOrigin', 0),
  };
}
