import type { ServerUnaryCall, ServerWritableStream, sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js';
import { HealthCheckResponse, HealthCheckResponse_ServingStatus } from '../../gen/grpc/health/v1/health.ts';

/** gRPC health (grpc/health/v1): a control server that answers serves; a view without a snapshot is not its ill health. */
export class Health {
  readonly #watchers = new Set<ServerWritableStream<Buffer, Buffer>>();

  get handlers(): UntypedServiceImplementation {
    const serving = encode(HealthCheckResponse_ServingStatus.SERVING);
    return {
      check: (_call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>): void => reply(null, serving),
      watch: (call: ServerWritableStream<Buffer, Buffer>): void => {
        this.#watchers.add(call);
        call.on('close', () => this.#watchers.delete(call));
        call.on('cancelled', () => this.#watchers.delete(call));
        call.write(serving);
      },
    };
  }

  /** Tells all who watch that this server stops, and ends their streams. */
  end(): void {
    for (const call of this.#watchers) {
      call.write(encode(HealthCheckResponse_ServingStatus.NOT_SERVING));
      call.end();
    }
    this.#watchers.clear();
  }
}

function encode(status: HealthCheckResponse_ServingStatus): Buffer {
  return Buffer.from(HealthCheckResponse.encode({ status }).finish());
}
