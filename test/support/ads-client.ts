import { type ChannelCredentials, Client, type ClientDuplexStream, credentials, type StatusObject } from '@grpc/grpc-js';
import { BuildVersion, type Node } from '../../src/gen/envoy/config/core/v3/base.ts';
import {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
  DiscoveryRequest,
  DiscoveryResponse,
} from '../../src/gen/envoy/service/discovery/v3/discovery.ts';

/** A codec as ts-proto makes them. */
interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** A raw ADS stream of grpc-js: what is sent is sent, what comes is queued. */
export interface RawStream<Request, Response> {
  /** Sends a request; absent fields are empty. */
  send(request: Partial<Request>): void;
  /** Sends bytes as they are. */
  sendBytes(bytes: Uint8Array): void;
  /** The next response; rejects with the status when the stream ends instead. */
  next(): Promise<Response>;
  /** Resolves with the status of the end of the stream. */
  readonly ended: Promise<StatusObject>;
  /** Responses that came and were not asked for. */
  readonly queued: number;
  cancel(): void;
}

/** Opens ADS streams to `address`; `close` ends the connection. */
export class AdsClient {
  readonly #client: Client;

  constructor(address: string, security: ChannelCredentials = credentials.createInsecure()) {
    this.#client = new Client(address, security);
  }

  sotw(): RawStream<DiscoveryRequest, DiscoveryResponse> {
    return this.#open('StreamAggregatedResources', DiscoveryRequest, DiscoveryResponse);
  }

  delta(): RawStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse> {
    return this.#open('DeltaAggregatedResources', DeltaDiscoveryRequest, DeltaDiscoveryResponse);
  }

  /** One unary call by full path, bytes both ways. */
  unary(path: string, request: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const same = (bytes: Buffer): Buffer => bytes;
      this.#client.makeUnaryRequest(path, same, same, request, (error, reply) => (error ? reject(error) : resolve(reply as Buffer)));
    });
  }

  close(): void {
    this.#client.close();
  }

  #open<Request, Response>(method: string, request: Codec<Request>, response: Codec<Response>): RawStream<Request, Response> {
    const same = (bytes: Buffer): Buffer => bytes;
    const path = `/envoy.service.discovery.v3.AggregatedDiscoveryService/${method}`;
    const call: ClientDuplexStream<Buffer, Buffer> = this.#client.makeBidiStreamRequest(path, same, same);
    const inbox: Response[] = [];
    const waiting: { resolve(value: Response): void; reject(error: unknown): void }[] = [];
    call.on('data', (bytes: Buffer) => {
      const message = response.decode(bytes);
      const first = waiting.shift();
      if (first) first.resolve(message);
      else inbox.push(message);
    });
    call.on('error', () => {});
    const ended = new Promise<StatusObject>((resolve) => {
      call.on('status', (status: StatusObject) => {
        for (const { reject } of waiting.splice(0)) reject(new Error(`stream ended: ${status.code} ${status.details}`));
        resolve(status);
      });
    });
    const sendBytes = (bytes: Uint8Array): void => void call.write(Buffer.from(bytes));
    return {
      send: (fields) => sendBytes(request.encode({ ...request.decode(new Uint8Array()), ...fields }).finish()),
      sendBytes,
      next: () => {
        const message = inbox.shift();
        return message === undefined ? new Promise((resolve, reject) => waiting.push({ resolve, reject })) : Promise.resolve(message);
      },
      ended,
      get queued() {
        return inbox.length;
      },
      cancel: () => call.cancel(),
    };
  }
}

/** A node as Envoy would send it. */
export function nodeOf(id: string, cluster: string, fields: Partial<Node> = {}): Node {
  return {
    id,
    cluster,
    metadata: undefined,
    dynamicParameters: new Map(),
    locality: undefined,
    userAgentName: 'test',
    userAgentVersionType: {
      $case: 'userAgentBuildVersion',
      value: { ...BuildVersion.decode(new Uint8Array()), version: { majorNumber: 1, minorNumber: 40, patch: 0 } },
    },
    extensions: [],
    clientFeatures: [],
    listeningAddresses: [],
    ...fields,
  };
}
