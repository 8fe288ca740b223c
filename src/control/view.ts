import { isIP } from 'node:net';
import { formatHostPort, parseHostPort } from '../core/index.ts';
import type { RingName } from '../membership/types.ts';
import type { XdsNode } from '../xds/types.ts';

/** Where an egress listener stands unless `node.metadata.ringway.listen` says otherwise. */
const DEFAULT_EGRESS_LISTEN = '127.0.0.1:9096';

/** What a client gets to see of a ring. Clients with equal parameters share one snapshot. */
export type View =
  | { readonly kind: 'inbound'; readonly ring: RingName }
  | {
      readonly kind: 'egress';
      readonly ring: RingName;
      /** The listener's address: a literal IP and a port. */
      readonly listen: string;
      /** The client's own zone, '' when it names none: preferred where there is a choice. */
      readonly zone: string;
    };

/** One text for each different view. */
export function viewKey(view: View): string {
  return view.kind === 'inbound' ? viewName(view) : [viewName(view), view.listen, view.zone].join('|');
}

/** `live-store/egress`: for people and metrics. */
export function viewName(view: View): string {
  return `${view.ring}/${view.kind}`;
}

/**
 * Reads the node contract: `node.cluster` is `<ring>/<view>`; an egress node may say in `node.metadata.ringway.listen` where it
 * listens. A node that asks for anything else is refused with a text that says what there is.
 */
export function parseView(node: XdsNode, rings: readonly RingName[]): View | { readonly refused: string } {
  const slash = node.cluster.lastIndexOf('/');
  const ring = node.cluster.slice(0, Math.max(slash, 0));
  const kind = node.cluster.slice(slash + 1);
  const asked = `node "${node.id}": node.cluster "${node.cluster}"`;
  if (slash < 1) return { refused: `${asked} is not <ring>/<view>; ${whatThereIs(rings)}` };
  if (!rings.includes(ring)) return { refused: `${asked} names the unknown ring "${ring}"; ${whatThereIs(rings)}` };
  if (kind === 'inbound') return { kind, ring };
  if (kind !== 'egress') return { refused: `${asked} names the unknown view "${kind}"; ${whatThereIs(rings)}` };
  const { listen: wanted = DEFAULT_EGRESS_LISTEN } = node.ringway;
  const listen = parseListen(wanted);
  if (listen === null)
    return {
      refused: `node "${node.id}": metadata.ringway.listen ${JSON.stringify(wanted)} is not ip:port, for example "${DEFAULT_EGRESS_LISTEN}"`,
    };
  return { kind, ring, listen, zone: node.zone };
}

function whatThereIs(rings: readonly RingName[]): string {
  const names = rings.length === 0 ? 'none' : rings.toSorted().join(', ');
  return `rings: ${names}; views: inbound, egress`;
}

function parseListen(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  try {
    const { host, port } = parseHostPort(value);
    return isIP(host) === 0 ? null : formatHostPort({ host, port });
  } catch {
    return null;
  }
}
