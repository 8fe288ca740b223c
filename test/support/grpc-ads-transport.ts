import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import type { AdsStream, AdsStreamHandler, AdsTransport } from '../../src/xds/client/types.ts';

/** An AdsTransport over grpc-js: a second opinion on the wire beside the own engine. */
export class GrpcAdsTransport implements AdsTransport {
  readonly #client: Client;

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), {
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 50,
    });
  }

  open(method: string, handler: AdsStreamHandler): AdsStream {
    const same = (bytes: Buffer): Buffer => bytes;
    const call: ClientDuplexStream<Buffer, Buffer> = this.#client.makeBidiStreamRequest(method, same, same);
    let isClosed = false;
    call.on('data', (message: Buffer) => {
      if (!isClosed) handler.onMessage(message);
    });
    call.on('error', () => {});
    call.on('status', ({ code, details }: { code: number; details: string }) => {
      if (!isClosed) handler.onEnd({ code, message: details });
    });
    return {
      send: (message) => void call.write(Buffer.from(message)),
      close: () => {
        isClosed = true;
        call.cancel();
      },
    };
  }

  close(): void {
    this.#client.close();
  }
}
