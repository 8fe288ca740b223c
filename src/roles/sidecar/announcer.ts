// Loads the bus and the agent when they are needed: a sidecar that announces nobody never pays for them.
import { type Clock, type HostPort, messageOf, type Random, type ReadonlyObservable, type Service } from '../../core/index.ts';
import type { MemberAgent } from '../../membership/agent/index.ts';
import type { MembershipBus } from '../../membership/types.ts';
import { advertisedAddress } from '../../proxy/bootstrap/index.ts';
import type { AnnouncePlan } from '../../proxy/bootstrap/types.ts';
import type { Phase } from '../../proxy/runtime/index.ts';
import type { Logger, MetricRegistry } from '../../telemetry/index.ts';
import { connect, localAddresses } from '../../transport/index.ts';

export interface AnnouncerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
  /** Of the process: where $POD_IP may stand. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The sidecar's start: the member joins when its listener serves. */
  readonly phase: ReadonlyObservable<Phase>;
  /** Where a listener is bound; undefined when it is not. */
  readonly boundAddress: (listener: string) => HostPort | undefined;
  /** How long the sidecar may take to stop. */
  readonly drainTimeMs: number;
}

interface Running {
  readonly bus: MembershipBus;
  readonly agent: MemberAgent;
}

/** Announces the member beside a sidecar. Nothing that carries requests waits for it, but for a second when the sidecar stops. */
export class Announcer {
  /** Started last, stopped first: joins, and says LEAVING while connections still go on. */
  readonly announcing: Service = { name: 'announcing', start: () => this.#start(), stop: () => this.#drain() };
  /** Stopped when connections have drained: leaves. */
  readonly leaving: Service = { name: 'leaving', start: () => Promise.resolve(), stop: () => this.#leave() };
  readonly #plan: AnnouncePlan;
  readonly #deps: AnnouncerDeps;
  #running: Promise<Running | null> = Promise.resolve(null);
  #unsubscribe: () => void = () => {};
  #stopByMs: number | null = null;

  /** Throws RingwayError `BAD_ANNOUNCE` when there is no address that could be announced. */
  constructor(plan: AnnouncePlan, deps: AnnouncerDeps) {
    this.#plan = plan;
    this.#deps = deps;
    this.#advertised(plan.listen.port);
  }

  #start(): Promise<void> {
    const { phase } = this.#deps;
    const begin = (): void => {
      if (phase.value !== 'live') return;
      this.#unsubscribe();
      this.#running = this.#run();
    };
    this.#unsubscribe = phase.subscribe(begin);
    begin();
    return Promise.resolve();
  }

  async #drain(): Promise<void> {
    this.#unsubscribe();
    this.#stopByMs = this.#deps.clock.monotonicMs() + this.#deps.drainTimeMs;
    await (await this.#running)?.agent.drain();
  }

  async #leave(): Promise<void> {
    const running = await this.#running;
    if (!running) return;
    const { clock } = this.#deps;
    await running.agent.leave(Math.max(0, (this.#stopByMs ?? 0) - clock.monotonicMs()));
    await running.bus.close();
  }

  async #run(): Promise<Running | null> {
    const { settings, ring, member: id, zone, partition, local, listener, listen } = this.#plan;
    const { clock, random, logger, metrics, boundAddress, environment } = this.#deps;
    try {
      const [{ createNatsBus }, { MemberAgent, HealthProbe }, { createSecretReader, exposedServer }] = await Promise.all([
        import('../../membership/bus/index.ts'),
        import('../../membership/agent/index.ts'),
        import('../../config/index.ts'),
      ]);
      const server = exposedServer(settings.nats);
      if (server !== undefined)
        logger.warn(
          'agent.insecure',
          { member: id, server },
          'NATS on another machine is told without TLS; others can read and change that',
        );
      const readSecret = createSecretReader(environment);
      const bus = createNatsBus({ ring, connection: settings.nats, member: id }, { clock, random, readSecret });
      const probe = new HealthProbe({ target: local, tenant: settings.healthTenant, clock, connect });
      const address = this.#advertised((boundAddress(listener) ?? listen).port);
      const agent = new MemberAgent({ id, address, zone, partition }, { bus, probe, clock, random, logger, metrics });
      agent.start();
      return { bus, agent };
    } catch (error) {
      logger.error('agent.failed', {}, `the member is not announced: ${messageOf(error)}`);
      return null;
    }
  }

  #advertised(port: number): string {
    return advertisedAddress(this.#plan, { podIp: this.#deps.environment['POD_IP'], own: localAddresses() }, port);
  }
}
