import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { isIP, type Socket } from 'node:net';
import { connect, type NatsConnection, type NodeConnectionOptions, type TlsOptions } from '@nats-io/transport-node';
import type { ClientTlsConfig, NatsConnectionConfig, SecretReader } from '../../../config/index.ts';
import { readClientTls } from '../../../transport/index.ts';
import { unavailable } from './errors.ts';
import { readLogin } from './login.ts';
import type { ServerAddress } from './server-list.ts';

/** How long one server may take to let us in. */
const CONNECT_MS = 2000;
/** A server that does not answer two of these in a row is gone. */
const PING_MS = 2500;

/** The attempt under way hears of its socket: the client keeps that of an attempt that failed open, as long as the other side does. */
const attempts = new AsyncLocalStorage<{ opened: (socket: Socket) => unknown }>();
subscribe('net.client.socket', (message) => attempts.getStore()?.opened((message as { readonly socket: Socket }).socket));

/** Connects to one server, once. Rejects with what the client threw, or a RingwayError for a file that is no good; at once when `signal` aborts. */
export async function dial(
  server: ServerAddress,
  config: NatsConnectionConfig,
  { inbox, readSecret, signal }: { readonly inbox: string; readonly readSecret: SecretReader; readonly signal: AbortSignal },
): Promise<NatsConnection> {
  const [login, tls] = await Promise.all([readLogin(config.login, readSecret), tlsOf(server, config.tls)]);
  return attempt(
    {
      servers: [server.address],
      name: 'ringway',
      inboxPrefix: inbox,
      reconnect: false,
      ignoreAuthErrorAbort: true,
      resolve: false,
      timeout: CONNECT_MS,
      pingInterval: PING_MS,
      maxPingOut: 2,
      ...login,
      ...(tls === null ? {} : { tls }),
    },
    signal,
  );
}

async function attempt(options: NodeConnectionOptions, signal: AbortSignal): Promise<NatsConnection> {
  signal.throwIfAborted();
  const sockets: Socket[] = [];
  const store = { opened: (socket: Socket): unknown => sockets.push(socket) };
  const giveUp = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    const nc = await attempts.run(store, () => connect(options));
    if (!signal.aborted) return nc;
    await nc.close();
    throw unavailable('the bus is closed');
  } catch (error) {
    giveUp();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
    // What runs in the name of the connection later opens sockets of its own.
    store.opened = () => {};
  }
}

/** Null: in plain, unless the server wants TLS. `host` is not dialled: a certificate is compared with it when there is no name to ask for. */
async function tlsOf({ tls, certificateName }: ServerAddress, config: ClientTlsConfig | null): Promise<TlsOptions | null> {
  if (config === null && !tls) return null;
  const settings = config === null ? {} : await readClientTls(config);
  const host = config?.serverName ?? certificateName;
  return { ...settings, host, servername: isIP(host) === 0 ? host : '' } as TlsOptions;
}
