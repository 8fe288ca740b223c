import {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
  DiscoveryRequest,
  DiscoveryResponse,
} from '../../src/gen/envoy/service/discovery/v3/discovery.ts';
import type { AdsStream, AdsStreamHandler, AdsTransport } from '../../src/xds/client/types.ts';
import type { TypeUrl } from '../../src/xds/types.ts';

/** A resource of a scripted response. Its bytes are a message with only field 1, its name, and `body` as field 2. */
export interface ScriptedResource {
  readonly name: string;
  readonly version?: string;
  readonly typeUrl?: TypeUrl;
  readonly body?: string;
  /** Delta: sent without a body, as a TTL heartbeat. */
  readonly isHeartbeat?: boolean;
}

/** One stream as the server sees it: every request so far, and a way to answer. */
export class ScriptedStream implements AdsStream {
  readonly method: string;
  readonly handler: AdsStreamHandler;
  isClosed = false;
  #requests: string[] = [];
  readonly #raw: Uint8Array[] = [];

  constructor(method: string, handler: AdsStreamHandler) {
    this.method = method;
    this.handler = handler;
  }

  get isDelta(): boolean {
    return this.method.endsWith('/DeltaAggregatedResources');
  }

  send(message: Uint8Array): void {
    this.#raw.push(message);
    this.#requests.push(this.isDelta ? deltaLine(DeltaDiscoveryRequest.decode(message)) : sotwLine(DiscoveryRequest.decode(message)));
  }

  close(): void {
    this.isClosed = true;
  }

  /** Requests since the last call, one line each: `Cluster +[a] -[b] have{c:1} ack n1`. */
  take(): string[] {
    const taken = this.#requests;
    this.#requests = [];
    return taken;
  }

  /** Every request's bytes, in order. */
  get raw(): readonly Uint8Array[] {
    return this.#raw;
  }

  /** Sends a response; `nonce` also serves as version unless one is given. */
  respond(
    typeUrl: TypeUrl,
    nonce: string,
    resources: readonly ScriptedResource[],
    more: { readonly removed?: readonly string[]; readonly version?: string; readonly identifier?: string } = {},
  ): void {
    const controlPlane = more.identifier === undefined ? undefined : { identifier: more.identifier };
    const anyOf = (resource: ScriptedResource): { typeUrl: TypeUrl; value: Uint8Array } => ({
      typeUrl: resource.typeUrl ?? typeUrl,
      value: scriptedBytes(resource.name, resource.body),
    });
    const version = more.version ?? nonce;
    const bytes = this.isDelta
      ? DeltaDiscoveryResponse.encode({
          systemVersionInfo: version,
          typeUrl,
          nonce,
          resources: resources.map((resource) => ({
            ...EMPTY_RESOURCE,
            name: resource.name,
            version: resource.version ?? '1',
            resource: resource.isHeartbeat ? undefined : anyOf(resource),
          })),
          removedResources: [...(more.removed ?? [])],
          removedResourceNames: [],
          resourceErrors: [],
          controlPlane,
        }).finish()
      : DiscoveryResponse.encode({
          versionInfo: version,
          typeUrl,
          nonce,
          resources: resources.map(anyOf),
          canary: false,
          resourceErrors: [],
          controlPlane,
        }).finish();
    this.handler.onMessage(bytes);
  }

  end(code = 14, message = 'gone'): void {
    this.handler.onEnd({ code, message });
  }
}

/** An AdsTransport without a network: tests play the server. */
export class ScriptedAds implements AdsTransport {
  readonly streams: ScriptedStream[] = [];

  open(method: string, handler: AdsStreamHandler): AdsStream {
    const stream = new ScriptedStream(method, handler);
    this.streams.push(stream);
    return stream;
  }

  /** The newest stream. */
  get last(): ScriptedStream {
    return this.streams.at(-1) as ScriptedStream;
  }
}

/** What a scripted resource's Any holds. */
function scriptedBytes(name: string, body = ''): Uint8Array {
  const field = (number: number, text: string): Buffer =>
    Buffer.concat([Buffer.from([(number << 3) | 2, Buffer.byteLength(text)]), Buffer.from(text)]);
  return Buffer.concat([field(1, name), body === '' ? Buffer.alloc(0) : field(2, body)]);
}

const EMPTY_RESOURCE = {
  resourceName: undefined,
  aliases: [],
  ttl: undefined,
  cacheControl: undefined,
  metadata: undefined,
};

function deltaLine(request: DeltaDiscoveryRequest): string {
  const { resourceNamesSubscribe: added, resourceNamesUnsubscribe: dropped, initialResourceVersions: have } = request;
  const versions = [...have].map(([name, version]) => `${name}:${version}`).join(',');
  const parts = [
    added.length > 0 ? `+[${added}]` : '',
    dropped.length > 0 ? `-[${dropped}]` : '',
    versions === '' ? '' : `have{${versions}}`,
  ];
  return line(request.typeUrl, parts, request);
}

function sotwLine(request: DiscoveryRequest): string {
  return line(request.typeUrl, [`[${request.resourceNames}]`, request.versionInfo === '' ? '' : `v=${request.versionInfo}`], request);
}

function line(
  typeUrl: string,
  parts: readonly string[],
  request: Pick<DiscoveryRequest, 'node' | 'responseNonce' | 'errorDetail'>,
): string {
  const { errorDetail, responseNonce, node } = request;
  const answer = errorDetail ? `nack ${responseNonce} ${errorDetail.code} ${errorDetail.message}` : `ack ${responseNonce}`;
  const all = [typeUrl.slice(typeUrl.lastIndexOf('.') + 1), ...parts, responseNonce === '' ? '' : answer, node ? `node=${node.id}` : ''];
  return all.filter((part) => part !== '').join(' ');
}
