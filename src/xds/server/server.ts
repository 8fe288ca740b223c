import { type AddressInfo, createServer, type Server as SocketServer } from 'node:net';
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { formatHostPort, listenProblem, messageOf, RingwayError, type Service } from '../../core/index.ts';
import { DELTA, SOTW, type Variant } from '../protocol/index.ts';
import { Health } from './health.ts';
import { ADS_SERVICE, HEALTH_SERVICE } from './methods.ts';
import { type CheckedOptions, checkOptions, type XdsServerOptions } from './options.ts';
import { Refusals } from './refusals.ts';
import { AdsStream, type AnyRequest, type StreamContext } from './stream.ts';
import { StreamMetrics } from './stream-metrics.ts';
import type { ClientStatus } from './types.ts';

/** The xDS server: ADS in both variants, and gRPC health. */
export interface XdsServer extends Service {
  /** host:port it is bound to (port 0 resolved); throws before `start`. */
  readonly address: string;
  /** Connected clients by node id. */
  clients(): readonly ClientStatus[];
}

/** Builds the server; nothing is bound before `start`. Throws RingwayError `XDS_EXPOSED`; `start` throws `XDS_LISTEN`. */
export function createXdsServer(options: XdsServerOptions): XdsServer {
  return new GrpcXdsServer(checkOptions(options));
}

/** What runs between start and stop. The socket is ours and handed to gRPC: so a failed bind has its own code and says nothing elsewhere. */
interface Running {
  readonly socket: SocketServer;
  readonly grpc: Server;
  readonly health: Health;
  readonly streams: Set<Pick<AdsStream<AnyRequest>, 'status' | 'end'>>;
}

class GrpcXdsServer implements XdsServer {
  readonly name = 'xds';
  readonly #options: CheckedOptions;
  #running: Running | null = null;

  constructor(options: CheckedOptions) {
    this.#options = options;
  }

  get address(): string {
    const bound = this.#running?.socket.address() as AddressInfo | null | undefined;
    if (!bound) throw new Error('the xds server is not started');
    return formatHostPort({ host: bound.address, port: bound.port });
  }

  clients(): readonly ClientStatus[] {
    const known = [...(this.#running?.streams ?? [])].map((stream) => stream.status()).filter((client) => client !== null);
    return known.sort((a, b) => (a.node < b.node ? -1 : Number(a.node > b.node)));
  }

  async start(): Promise<void> {
    if (this.#running) return;
    const { metrics, logger, tls } = this.#options;
    const grpc = this.#createGrpc();
    const running: Running = { socket: createServer({ noDelay: true }), grpc, health: new Health(), streams: new Set() };
    this.#serve(running);
    const injector = grpc.createConnectionInjector(this.#credentials());
    running.socket.on('connection', (socket) => injector.injectConnection(socket));
    try {
      await bind(running.socket, this.#options);
    } catch (error) {
      grpc.forceShutdown();
      throw error;
    }
    this.#running = running;
    const exposed = this.#options.insecure && !tls;
    metrics.gauge({ name: 'ringway_insecure_listener', labels: { listener: 'xds' }, help: '1: open without TLS.' }).set(exposed ? 1 : 0);
    if (exposed) logger.warn('xds.insecure', { address: this.address }, 'xds is served without TLS');
    logger.info('xds.listening', { address: this.address, tls: tls !== null }, `xds listens on ${this.address}`);
  }

  /** Ends all streams with UNAVAILABLE: clients keep what they have and come back. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    this.#running = null;
    running.socket.close();
    running.health.end();
    for (const stream of [...running.streams]) stream.end(status.UNAVAILABLE, 'the control server stops');
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(this.#options.stopTimeoutMs, () => {
        this.#options.logger.warn('xds.stop_forced', {}, `connections were cut: still open after ${this.#options.stopTimeoutMs} ms`);
        running.grpc.forceShutdown();
        resolve();
      });
      running.grpc.tryShutdown(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #createGrpc(): Server {
    const { maxRequestBytes, keepaliveMs } = this.#options;
    return new Server({
      'grpc.max_receive_message_length': maxRequestBytes,
      'grpc.max_send_message_length': -1,
      'grpc.keepalive_time_ms': keepaliveMs,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.enable_channelz': 0,
    });
  }

  #credentials(): ServerCredentials {
    const { tls } = this.#options;
    if (!tls) return ServerCredentials.createInsecure();
    const pair = { cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) };
    return ServerCredentials.createSsl(tls.clientCa === undefined ? null : Buffer.from(tls.clientCa), [pair], tls.clientCa !== undefined);
  }

  #serve({ grpc, health, streams }: Running): void {
    const { source, clock, logger, metrics, controlPlane, ackTimeoutMs } = this.#options;
    const shared = { source, clock, logger, controlPlane, ackTimeoutMs };
    const context: StreamContext = { ...shared, metrics: new StreamMetrics(metrics), refusals: new Refusals(logger) };
    const handler =
      <Request extends AnyRequest>(variant: Variant<Request>) =>
      (call: ServerDuplexStream<Buffer, Buffer>): void => {
        const stream = new AdsStream(context, variant, call, () => streams.delete(stream));
        streams.add(stream);
      };
    grpc.addService(ADS_SERVICE, { streamAggregatedResources: handler(SOTW), deltaAggregatedResources: handler(DELTA) });
    grpc.addService(HEALTH_SERVICE, health.handlers);
  }
}

function bind(socket: SocketServer, { listen, logger }: CheckedOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', (cause) => reject(new RingwayError(`xds: ${listenProblem(listen, cause)}`, { code: 'XDS_LISTEN', cause })));
    socket.listen(listen.port, listen.host === '' ? undefined : listen.host, () => {
      socket.removeAllListeners('error');
      socket.on('error', (error) => logger.error('xds.accept_failed', {}, `a connection could not be accepted: ${messageOf(error)}`));
      resolve();
    });
  });
}
