import { createSecureContext } from 'node:tls';
import { ChannelCredentials, Client, type ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import { messageOf, RingwayError } from '../../../core/index.ts';
import type { RangeResponse, WatchRequest, WatchResponse } from '../../../gen/etcd/rpc.ts';
import { readClientTls } from '../../../transport/index.ts';
import { MAX_RING_BYTES } from '../../dskit/index.ts';
import type { SourceDeps } from '../types.ts';
import { AUTHENTICATE, failure, RANGE, type UnaryOptions, unary, WATCH } from './calls.ts';
import type { EtcdSourceOptions } from './options.ts';

/** A connection to one member of an etcd cluster, logged in where there is a login. */
export interface EtcdClient {
  /** `scheme://host:port`; every error begins with it. */
  readonly endpoint: string;
  /** What stands under a key, now unless there is a revision, and if it was changed since `changedSince`. Rejects with RingwayError. */
  range(key: string, at: { readonly revision?: bigint; readonly changedSince?: bigint }): Promise<RangeResponse>;
  /** Watches; the server ends them when it is cut off from the others. The caller cancels the stream. */
  watch(): ClientDuplexStream<WatchRequest, WatchResponse>;
  /** To be called when nothing is under way. */
  close(): void;
}

type ConnectOptions = Pick<EtcdSourceOptions, 'timeoutMs' | 'tls' | 'login'>;

/** A message holds one value; what is larger than a ring may be is refused before it is kept. */
const MAX_MESSAGE_BYTES = MAX_RING_BYTES + 64 * 1024;

/** Reads files and secrets anew. Calls end when `signal` aborts. Rejects with RingwayError. */
export async function connectEtcd(endpoint: string, options: ConnectOptions, deps: SourceDeps, signal: AbortSignal): Promise<EtcdClient> {
  const { tls, login, timeoutMs } = options;
  const client = new Client(`dns:${new URL(endpoint).host}`, await credentialsOf(endpoint, tls), {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.enable_retries': 0,
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1, // dials at once, whatever the back-off of an earlier client of this endpoint
    ...(tls?.serverName ? { 'grpc.ssl_target_name_override': tls.serverName } : {}),
  });
  const call = { endpoint, metadata: new Metadata(), timeoutMs, clock: deps.clock, signal };
  try {
    const token = login === null ? null : await logIn(client, login, deps, call);
    if (token !== null) call.metadata.set('token', token);
  } catch (error) {
    client.close();
    throw error;
  }
  return clientOf(client, call);
}

async function credentialsOf(endpoint: string, tls: ConnectOptions['tls']): Promise<ChannelCredentials> {
  if (endpoint.startsWith('http:')) return ChannelCredentials.createInsecure();
  const { rejectUnauthorized = true, servername: _inChannelOptions, ...material } = tls === null ? {} : await readClientTls(tls);
  try {
    return ChannelCredentials.createFromSecureContext(createSecureContext(material), { rejectUnauthorized });
  } catch (error) {
    throw failure(endpoint, `tls: ${messageOf(error)}`, 'TLS_FILE', error);
  }
}

/** A token for every further call; null from a server that wants none. */
async function logIn(
  client: Client,
  { user, password }: NonNullable<ConnectOptions['login']>,
  { readSecret }: SourceDeps,
  call: UnaryOptions,
): Promise<string | null> {
  const request = { name: user, password: await readSecret(password) };
  try {
    return (await unary(client, AUTHENTICATE, request, call)).token;
  } catch (error) {
    if (error instanceof RingwayError && error.code === 'ETCD_FAILED_PRECONDITION') return null; // "authentication is not enabled"
    throw error;
  }
}

function clientOf(client: Client, call: UnaryOptions): EtcdClient {
  const watching = call.metadata.clone();
  watching.set('hasleader', 'true'); // without it the watches of a member that is cut off stay silent for as long as that lasts
  return {
    endpoint: call.endpoint,
    range: (key, { revision = 0n, changedSince: minModRevision = 0n }) => {
      const request = { key: Buffer.from(key), rangeEnd: new Uint8Array(), limit: 1n, revision, minModRevision };
      return unary(client, RANGE, request, call);
    },
    watch: () => client.makeBidiStreamRequest(WATCH.path, WATCH.encode, WATCH.decode, watching),
    close: () => client.close(),
  };
}
