import type { Socket } from 'node:net';
import { type Clock, codeOf, formatHostPort, type HostPort, messageOf, type RingwayError } from '../../core/index.ts';
import {
  callUnary,
  encodeHealthRequest,
  GrpcStatus,
  grpcStatusName,
  HEALTH_CHECK_METHOD,
  parseHealthResponse,
  type UnaryResult,
} from '../../grpc/index.ts';
import { createClientConnection, field } from '../../http2/index.ts';
import type { Http2Connection } from '../../http2/types.ts';
import type { connect } from '../../transport/index.ts';
import type { HealthAnswer, LiveStoreProbe } from './types.ts';

/** Of one check, the connecting included. */
const TIMEOUT_MS = 1_000;

export interface HealthProbeOptions {
  /** Where the live-store listens; may be a name. */
  readonly target: HostPort;
  /** The one `x-scope-orgid`: with multitenancy Tempo refuses health checks without. */
  readonly tenant: string;
  readonly clock: Clock;
  readonly connect: typeof connect;
}

/** grpc.health.v1.Health/Check of the whole server, over one connection that is kept. */
export class HealthProbe implements LiveStoreProbe {
  readonly #options: HealthProbeOptions;
  #giveUp: () => void = () => {};
  #connection: Http2Connection | undefined;

  constructor(options: HealthProbeOptions) {
    this.#options = options;
  }

  async check(): Promise<HealthAnswer> {
    const { clock } = this.#options;
    const untilMs = clock.monotonicMs() + TIMEOUT_MS;
    const connection = this.#connection?.acceptsStreams ? this.#connection : await this.#dial();
    if ('kind' in connection) return connection;
    const result = await this.#ask(connection, Math.max(1, Math.round(untilMs - clock.monotonicMs())));
    return this.#read(result, connection);
  }

  close(): void {
    this.#giveUp();
    this.#connection?.destroy();
  }

  #dial(): Promise<Http2Connection | HealthAnswer> {
    const { target, clock, connect } = this.#options;
    this.#connection?.destroy();
    return new Promise((resolve) => {
      const onConnected = (socket: Socket): void => {
        this.#connection = createClientConnection(socket, { clock }, { onStream: noStreams, onClose: () => {} });
        resolve(this.#connection);
      };
      const onFailed = (error: RingwayError): void => resolve(connectFailure(error));
      const attempt = connect({ ...target, timeoutMs: TIMEOUT_MS, clock }, { onConnected, onFailed });
      this.#giveUp = () => {
        attempt.cancel();
        resolve({ kind: 'failed', reason: 'stopped' });
      };
    });
  }

  #ask(connection: Http2Connection, timeoutMs: number): Promise<UnaryResult> {
    const { target, tenant, clock } = this.#options;
    const options = {
      method: HEALTH_CHECK_METHOD,
      authority: formatHostPort(target),
      clock,
      metadata: [field('x-scope-orgid', tenant)],
      timeoutMs,
    };
    return new Promise((resolve) => {
      callUnary((handler) => connection.openStream(handler), options, encodeHealthRequest(''), resolve);
    });
  }

  #read(result: UnaryResult, connection: Http2Connection): HealthAnswer {
    if (result.kind === 'answer') return servingAnswer(result.message);
    const { code, message } = result.status;
    if (code === GrpcStatus.UNIMPLEMENTED) return { kind: 'unimplemented' };
    // Whoever hangs may be another process by now: the next check finds out over a new connection.
    if (code === GrpcStatus.DEADLINE_EXCEEDED) connection.destroy();
    return { kind: 'failed', reason: `${grpcStatusName(code)}: ${message}` };
  }
}

function servingAnswer(message: Buffer): HealthAnswer {
  try {
    return { kind: parseHealthResponse(message) === 'SERVING' ? 'serving' : 'not-serving' };
  } catch (error) {
    return { kind: 'failed', reason: messageOf(error) };
  }
}

function connectFailure(error: RingwayError): HealthAnswer {
  return { kind: codeOf(error) === 'CONNECT_REFUSED' ? 'refused' : 'failed', reason: error.message };
}

function noStreams(): never {
  throw new Error('a server opens no streams');
}
