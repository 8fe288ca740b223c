import { isIP } from 'node:net';
import { connect, type NatsConnection, type TlsOptions } from '@nats-io/transport-node';
import type { ClientTlsConfig, NatsConnectionConfig, SecretReader } from '../../../config/index.ts';
import { readClientTls } from '../../../transport/index.ts';
import { unavailable } from './errors.ts';
import { readLogin } from './login.ts';
import type { ServerAddress } from './server-list.ts';

/** How long one server may take to let us in. */
const CONNECT_MS = 2000;
/** A server that does not answer two of these in a row is gone. */
const PING_MS = 2500;

/** Connects to one server, once. Rejects with what the client threw, or a RingwayError for a file that is no good; at once when `signal` aborts. */
export async function dial(
  server: ServerAddress,
  config: NatsConnectionConfig,
  { inbox, readSecret, signal }: { readonly inbox: string; readonly readSecret: SecretReader; readonly signal: AbortSignal },
): Promise<NatsConnection> {
  const [login, tls] = await Promise.all([readLogin(config.login, readSecret), tlsOf(server, config.tls)]);
  signal.throwIfAborted();
  const dialling = connect({
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
  });
  return await Promise.race([dialling, abandoned(dialling, signal)]);
}

/** Rejects when `signal` aborts; what comes of the attempt after all is let go. */
function abandoned(dialling: Promise<NatsConnection>, signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abandon = (): void => {
      reject(unavailable('the bus is closed'));
      dialling.then((nc) => nc.close()).catch(() => {});
    };
    signal.addEventListener('abort', abandon, { once: true });
    const settled = (): void => signal.removeEventListener('abort', abandon);
    dialling.then(settled, settled);
  });
}

/** Null: in plain, unless the server wants TLS. `host` is not dialled: a certificate is compared with it when there is no name to ask for. */
async function tlsOf({ tls, certificateName }: ServerAddress, config: ClientTlsConfig | null): Promise<TlsOptions | null> {
  if (config === null && !tls) return null;
  const settings = config === null ? {} : await readClientTls(config);
  const host = config?.serverName ?? certificateName;
  return { ...settings, host, servername: isIP(host) === 0 ? host : '' } as TlsOptions;
}
