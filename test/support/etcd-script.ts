import { Server, ServerCredentials, type ServerDuplexStream, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import type { Test } from 'tap';
import { RangeRequest, RangeResponse, WatchRequest, WatchResponse } from '../../src/gen/etcd/rpc.ts';

/** An etcd that does what a test says, to play what real ones do rarely. */
export interface ScriptedEtcd {
  readonly endpoint: string;
  /** What stands under the keys, by text. */
  readonly values: Map<string, Uint8Array>;
  revision: bigint;
  /** Every range as `key@revision`, and `>revision` when only a change after that is wanted. */
  readonly ranges: string[];
  /** Gets each stream on which both keys are watched. */
  onWatch: (watch: ScriptedWatch) => void;
  /** Whether it says how far it is when it is asked. */
  answersProgress: boolean;
  /** Sent instead of answers to ranges. */
  rawRange: Buffer | null;
}

export interface ScriptedWatch {
  /** The first revision that each key is asked from. */
  readonly from: ReadonlyMap<string, bigint>;
  /** Fields not given are as in an empty response of this moment. */
  send(response: Partial<WatchResponse>): void;
  /** A value as it is now; its revision the server's. */
  sendValue(key: string): void;
  sendRaw(bytes: Buffer): void;
  end(): void;
}

export async function startScriptedEtcd(t: Test): Promise<ScriptedEtcd> {
  const server = new Server({ 'grpc.max_send_message_length': -1 });
  const etcd: ScriptedEtcd & { endpoint: string } = {
    endpoint: '',
    values: new Map(),
    revision: 7n,
    ranges: [],
    onWatch: () => {},
    answersProgress: true,
    rawRange: null,
  };
  const versions = new Versions(etcd);
  const bytes = { requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs };
  server.addService(
    {
      range: { path: '/etcdserverpb.KV/Range', requestStream: false, responseStream: false, ...bytes },
      watch: { path: '/etcdserverpb.Watch/Watch', requestStream: true, responseStream: true, ...bytes },
    },
    {
      range: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => answer(null, range(etcd, versions, call.request)),
      watch: (stream: ServerDuplexStream<Buffer, Buffer>) => watch(etcd, versions, stream),
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, at) => (error ? reject(error) : resolve(at)));
  });
  t.teardown(() => server.forceShutdown());
  etcd.endpoint = `http://127.0.0.1:${port}`;
  return etcd;
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

function headerOf({ revision }: ScriptedEtcd): NonNullable<WatchResponse['header']> {
  return { clusterId: 1n, memberId: 1n, revision, raftTerm: 1n };
}

function range(etcd: ScriptedEtcd, versions: Versions, request: Buffer): Buffer {
  const { key, revision, minModRevision } = RangeRequest.decode(request);
  const name = Buffer.from(key).toString();
  etcd.ranges.push(`${name}@${revision}${minModRevision > 0n ? `>${minModRevision - 1n}` : ''}`);
  if (etcd.rawRange !== null) return etcd.rawRange;
  const there = etcd.values.has(name) ? [versions.of(name)] : [];
  const kvs = there.filter(({ modRevision }) => modRevision >= minModRevision);
  return Buffer.from(RangeResponse.encode({ header: headerOf(etcd), kvs, more: false, count: BigInt(there.length) }).finish());
}

type KeyValue = NonNullable<WatchResponse['events'][number]['kv']>;

/** Counts how often values became others, as seen by those who asked. */
class Versions {
  readonly #etcd: ScriptedEtcd;
  readonly #last = new Map<string, KeyValue>();

  constructor(etcd: ScriptedEtcd) {
    this.#etcd = etcd;
  }

  of(key: string): KeyValue {
    const value = this.#etcd.values.get(key) ?? new Uint8Array();
    const last = this.#last.get(key);
    if (last?.value === value) return last;
    const modRevision = this.#etcd.revision;
    const next = { key: Buffer.from(key), value, createRevision: 1n, modRevision, version: (last?.version ?? 0n) + 1n, lease: 0n };
    this.#last.set(key, next);
    return next;
  }
}

function watch(etcd: ScriptedEtcd, versions: Versions, stream: ServerDuplexStream<Buffer, Buffer>): void {
  const from = new Map<string, bigint>();
  const write = (bytes: Buffer): void => {
    if (!stream.writableEnded) stream.write(bytes);
  };
  const send = (fields: Partial<WatchResponse>): void => {
    const {
      watchId = 0n,
      created = false,
      canceled = false,
      compactRevision = 0n,
      cancelReason = '',
      fragment = false,
      events = [],
    } = fields;
    const header = 'header' in fields ? fields.header : headerOf(etcd);
    const response = { header, watchId, created, canceled, compactRevision, cancelReason, fragment, events };
    write(Buffer.from(WatchResponse.encode(response).finish()));
  };
  const one: ScriptedWatch = {
    from,
    send,
    sendValue: (key) => send({ events: [{ type: 0, kv: versions.of(key), prevKv: undefined }] }),
    sendRaw: write,
    end: () => stream.end(),
  };
  stream.on('data', (request: Buffer) => {
    const { requestUnion } = WatchRequest.decode(request);
    if (requestUnion?.$case === 'progressRequest' && etcd.answersProgress) send({ watchId: -1n });
    if (requestUnion?.$case !== 'createRequest') return;
    from.set(Buffer.from(requestUnion.value.key).toString(), requestUnion.value.startRevision);
    send({ created: true });
    if (from.size === 2) etcd.onWatch(one);
  });
  stream.on('end', () => stream.end());
  stream.on('error', () => {});
}
