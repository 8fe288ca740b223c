import type { Counter, Gauge, MetricRegistry } from '../../telemetry/index.ts';
import type { MemberState } from '../types.ts';

/** What is done on the bus. */
export type Operation = 'join' | 'state' | 'heartbeat' | 'leave';
/** How the agent stands, as the metric has it: out of the ring, in it in a state, or done with it. */
export type StandingName = 'outside' | Lowercase<MemberState> | 'lost';

const STANDINGS: readonly StandingName[] = ['outside', 'joining', 'active', 'leaving', 'lost', 'left'];

/** Counts what the agent does. */
export class AgentTelemetry {
  readonly #standings: ReadonlyMap<StandingName, Gauge>;
  readonly #connected: Gauge;
  readonly #heartbeats: Counter;
  readonly #metrics: MetricRegistry;

  constructor(metrics: MetricRegistry) {
    this.#metrics = metrics;
    this.#standings = new Map(
      STANDINGS.map((state) => [
        state,
        metrics.gauge({ name: 'ringway_agent_state', labels: { state }, help: '1 for how the member stands on the bus.' }),
      ]),
    );
    this.#connected = metrics.gauge({ name: 'ringway_agent_bus_connected', help: 'Whether the bus can be reached.' });
    this.#heartbeats = metrics.counter({
      name: 'ringway_agent_heartbeats_total',
      help: 'Heartbeats that the bus took, news of the state included.',
    });
    for (const operation of ['join', 'state', 'heartbeat', 'leave'] as const) this.failures(operation);
    this.stands('outside');
  }

  stands(as: StandingName): void {
    for (const [state, gauge] of this.#standings) gauge.set(state === as ? 1 : 0);
  }

  connected(isConnected: boolean): void {
    this.#connected.set(isConnected ? 1 : 0);
  }

  heartbeat(): void {
    this.#heartbeats.inc();
  }

  failures(operation: Operation): Counter {
    return this.#metrics.counter({
      name: 'ringway_agent_failures_total',
      labels: { operation },
      help: 'What the bus did not take: join, state, heartbeat, leave.',
    });
  }
}
