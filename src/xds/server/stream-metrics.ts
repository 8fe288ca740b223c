import type { Gauge, MetricRegistry } from '../../telemetry/index.ts';
import { type RequestOutcome, rulesOf } from '../protocol/index.ts';
import type { TypeUrl } from '../types.ts';

/** Counts what happens on the streams of one server. `type` is the short name of a type: a client cannot invent series. */
export class StreamMetrics {
  readonly #registry: MetricRegistry;

  constructor(registry: MetricRegistry) {
    this.#registry = registry;
  }

  /** Streams that are open now. */
  streams(variant: string): Gauge {
    return this.#registry.gauge({ name: 'ringway_xds_streams', labels: { variant }, help: 'Open ADS streams.' });
  }

  onPush(typeUrl: TypeUrl, view: string): void {
    const labels = { type: rulesOf(typeUrl).label, view };
    this.#registry.counter({ name: 'ringway_xds_pushes_total', labels, help: 'Responses sent.' }).inc();
  }

  onOutcome(typeUrl: TypeUrl, view: string, outcome: RequestOutcome): void {
    const labels = { type: rulesOf(typeUrl).label, view };
    if (outcome.kind === 'ack')
      this.#registry.counter({ name: 'ringway_xds_acks_total', labels, help: 'Responses that the client accepted.' }).inc();
    else if (outcome.kind === 'nack')
      this.#registry.counter({ name: 'ringway_xds_nacks_total', labels, help: 'Responses that the client refused.' }).inc();
    else return;
    const help = 'Time from a response to its ACK or NACK.';
    this.#registry.histogram({ name: 'ringway_xds_push_to_ack_ms', labels: { type: labels.type }, help }).record(outcome.tookMs);
  }

  onOverdue(typeUrl: TypeUrl, view: string): void {
    const labels = { type: rulesOf(typeUrl).label, view };
    this.#registry.counter({ name: 'ringway_xds_overdue_total', labels, help: 'Responses that were not answered in time.' }).inc();
  }
}
