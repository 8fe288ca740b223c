import type { ClientStatus, NackStatus } from '../../xds/server/types.ts';

/** One type of one client in `/api/clients`. */
interface ClientTypeReport {
  readonly type: string;
  readonly variant: 'sotw' | 'delta';
  readonly sent: string;
  readonly acked: string;
  readonly nacked?: NackStatus;
}

/** One connected client in `/api/clients`. */
export interface ClientReport {
  readonly node: string;
  readonly cluster: string;
  /** For how long, ms. */
  readonly connectedMs: number;
  readonly types: readonly ClientTypeReport[];
}

/** `GET /api/clients`, in order of node, then the newest connection first. */
export function reportClients(clients: readonly ClientStatus[]): { readonly clients: readonly ClientReport[] } {
  const sorted = clients.toSorted((a, b) => (a.node === b.node ? a.connectedMs - b.connectedMs : a.node < b.node ? -1 : 1));
  return {
    clients: sorted.map(({ node, cluster, connectedMs, types }) => ({
      node,
      cluster,
      connectedMs,
      types: types.map(({ type, variant, sent, acked, nacked }) => ({
        type,
        variant,
        sent,
        acked,
        ...(nacked === null ? {} : { nacked }),
      })),
    })),
  };
}
