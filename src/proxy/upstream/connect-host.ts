import { TLSSocket } from 'node:tls';
import type { Clock } from '../../core/index.ts';
import { type ConnectEvents, type Connecting, TlsError } from '../../transport/index.ts';
import type { Host, PoolOwner } from '../cluster/index.ts';
import type { Connect } from './types.ts';

interface HostConnectDeps {
  readonly clock: Clock;
  readonly connect: Connect;
}

/** Begins a connection to a host as its cluster wants it: in its time, with its TLS, counted among its handshakes. */
export function connectHost(
  { clock, connect }: HostConnectDeps,
  host: Host,
  { settings, stats }: Pick<PoolOwner, 'settings' | 'stats'>,
  events: ConnectEvents,
): Connecting {
  const { ip, port, hostname } = host.endpoint;
  const { tls, connectTimeoutMs } = settings;
  const options = { host: ip, port, timeoutMs: connectTimeoutMs, clock };
  if (!tls) return connect(options, events);
  const { from, sni } = tls.serverName;
  const serverName = from === 'hostname' && hostname !== '' ? hostname : sni;
  return connect(
    { ...options, tls: { client: tls.client, serverName } },
    {
      onConnected(socket) {
        if (socket instanceof TLSSocket) stats.ssl?.onSecured(socket);
        events.onConnected(socket);
      },
      onFailed(error) {
        if (error instanceof TlsError) stats.ssl?.onFailed(error.code);
        events.onFailed(error);
      },
    },
  );
}
