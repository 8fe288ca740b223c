import type { HostPort } from '../../core/index.ts';
import type { ListenerDeps } from '../../proxy/listener/index.ts';
import { listen } from '../../transport/index.ts';

/**
 * Which process of a sidecar this is. `alone`: the only one (`--concurrency 1`). `first`: has the xDS client and the admin pages, and
 * shares its ports. `beside`: the `worker`th, from 1, which listens where the first one has a port open, by the listener's name.
 */
export type Place =
  | { readonly kind: 'alone' }
  | { readonly kind: 'first' }
  | { readonly kind: 'beside'; readonly worker: number; readonly openPorts: ReadonlyMap<string, HostPort> };

/** How a process at this place listens. */
export function listenAs(place: Place): ListenerDeps['listen'] {
  if (place.kind === 'alone') return listen;
  if (place.kind === 'beside') return (options, events) => listen({ ...options, reusePort: true }, events);
  return async (options, events) => {
    // A shared port is shared with everybody of this user: whoever has it already must be an error, as it is for one process.
    if (options.port !== 0) await (await listen(options, { onSocket: (socket) => socket.destroy(), onAcceptError: () => {} })).close();
    return listen({ ...options, reusePort: true }, events);
  };
}
