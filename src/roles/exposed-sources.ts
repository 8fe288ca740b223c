import type { RingwayConfig } from '../config/index.ts';
import type { Logger, MetricRegistry } from '../telemetry/index.ts';

/** Says which rings are read over a network without TLS where others could write what is read; their operators accept that in words. */
export function tellExposedSources({ rings }: RingwayConfig, logger: Logger, metrics: MetricRegistry): void {
  const help = '1: a source of the ring is on another machine and reached without TLS.';
  for (const [ring, { sources }] of rings) {
    const exposed = sources.some((source) => source.kind === 'nats' && source.isExposed);
    metrics.gauge({ name: 'ringway_insecure_source', labels: { ring }, help }).set(exposed ? 1 : 0);
    if (exposed) logger.warn('source.insecure', { ring }, 'members are read from NATS on another machine without TLS');
  }
}
