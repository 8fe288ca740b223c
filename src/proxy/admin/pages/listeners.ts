import { formatHostPort, type HostPort } from '../../../core/index.ts';
import { type AdminPage, json, text } from '../page.ts';

/** A listener that is bound. */
export interface ListenerView {
  readonly name: string;
  readonly address: HostPort;
}

/** `/listeners`: `name::address` lines, or envoy.admin.v3.Listeners. */
export function listenersPage(listeners: () => readonly ListenerView[]): AdminPage {
  return {
    path: '/listeners',
    method: 'GET',
    summary: 'print listener info (format=text|json)',
    reply: ({ query }) => {
      const views = listeners();
      if (query.get('format') !== 'json') return text(views.map(({ name, address }) => `${name}::${formatHostPort(address)}\n`).join(''));
      return json({
        listener_statuses: views.map(({ name, address }) => ({
          name,
          local_address: { socket_address: { address: address.host, port_value: address.port } },
        })),
      });
    },
  };
}
