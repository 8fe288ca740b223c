import { type Clock, formatHostPort, type HostPort, type Service } from '../../core/index.ts';
import { encodeHealthResponse, HEALTH_CHECK_METHOD } from '../../grpc/index.ts';
import { GrpcServer, type UnaryHandler } from '../grpc/index.ts';
import { HttpPages, json, plain } from '../http-pages.ts';
import type { Holding } from '../sample-data.ts';
import { Announcer } from './announcer.ts';
import { assertServes, assertTenant, type LiveStorePhase, withFaults } from './faults.ts';
import { sampleMethods } from './methods.ts';

export interface LiveStoreOptions {
  readonly id: string;
  /** '' is allowed, as in Tempo. */
  readonly zone: string;
  readonly holding: Holding;
  /** The local address: where gRPC is really served. */
  readonly listen: HostPort;
  /** Ready, and the pages of the sample itself (`/sample/…`). */
  readonly http: HostPort;
  /** What the ring says; '' for the local address. */
  readonly advertise: string;
  /** Base URL of the sample distributor; null: somebody else announces it. */
  readonly ringUrl: string | null;
  /** Every call needs exactly one x-scope-orgid. */
  readonly isMultitenant: boolean;
}

/** A live-store as a querier sees it: Tempo's methods, errors and limits over data that anybody can compute. */
export class SampleLiveStore implements Service {
  readonly name: string;
  readonly #options: LiveStoreOptions;
  readonly #clock: Clock;
  readonly #grpc: GrpcServer;
  readonly #pages: HttpPages;
  readonly #calls = new Map<string, number>();
  #phase: LiveStorePhase = 'starting';
  #announcer: Announcer | undefined;
  #addresses: { readonly grpc: HostPort; readonly http: HostPort };

  constructor(options: LiveStoreOptions, clock: Clock) {
    this.name = `sample live-store ${options.id}`;
    this.#options = options;
    this.#clock = clock;
    this.#addresses = { grpc: options.listen, http: options.http };
    const handlers = new Map<string, UnaryHandler>([
      [
        HEALTH_CHECK_METHOD,
        this.#counted(() => encodeHealthResponse(this.#phase === 'starting' || this.#phase === 'stopping' ? 'NOT_SERVING' : 'SERVING')),
      ],
    ]);
    for (const [path, handler] of sampleMethods(options.holding))
      handlers.set(path, this.#counted(withFaults(this.#guarded(handler), clock)));
    this.#grpc = new GrpcServer({ handlers }, clock);
    this.#pages = new HttpPages({
      'GET /ready': () => (this.#phase === 'running' ? plain('ready\n') : plain(`${this.#phase}\n`, 503)),
      'GET /sample/calls': () => json(Object.fromEntries(this.#calls)),
      'POST /sample/phase': ({ url }) => this.#setPhase(url.searchParams.get('to')),
      'POST /sample/leave': () => {
        void this.#announcer?.stop(true);
        return plain('ok\n');
      },
    });
  }

  /** Where it listens; the real ports after `start`. */
  get addresses(): { readonly grpc: HostPort; readonly http: HostPort } {
    return this.#addresses;
  }

  async start(): Promise<void> {
    const grpc = await this.#grpc.listen(this.#options.listen);
    const http = await this.#pages.listen(this.#options.http);
    this.#addresses = { grpc, http };
    const { id, zone, holding, advertise, ringUrl } = this.#options;
    const member = { id, zone, partition: holding.partition, address: advertise === '' ? formatHostPort(grpc) : advertise };
    if (ringUrl !== null) this.#announcer = new Announcer(ringUrl, member, this.#clock);
    this.#announcer?.start();
    this.#phase = 'running';
  }

  /** As Tempo stops: queries fail first, then it leaves the ring, then the server ends. */
  async stop(): Promise<void> {
    this.#phase = 'stopping';
    await this.#announcer?.stop(true);
    await this.#grpc.drain();
    await this.#pages.close();
  }

  #setPhase(to: string | null): ReturnType<typeof plain> {
    if (to !== 'running' && to !== 'lagging') return plain('to: running or lagging\n', 400);
    this.#phase = to;
    return plain('ok\n');
  }

  #guarded(handler: UnaryHandler): UnaryHandler {
    return (call) => {
      assertServes(this.#phase, call);
      return handler(call);
    };
  }

  #counted(handler: UnaryHandler): UnaryHandler {
    return (call) => {
      this.#calls.set(call.path, (this.#calls.get(call.path) ?? 0) + 1);
      if (this.#options.isMultitenant) assertTenant(call);
      return handler(call);
    };
  }
}
