import { AdminError, type AdminRoute } from '../admin/index.ts';
import type { Clock, ReadonlyObservable } from '../core/index.ts';
import type { Catalog } from '../membership/types.ts';
import { type MetricRegistry, prometheusText } from '../telemetry/index.ts';
import type { ClientStatus } from '../xds/server/types.ts';
import { reportClients } from './report/clients.ts';
import { readinessOf } from './report/readiness.ts';
import { type ControlFacts, reportRing, reportRings } from './report/rings.ts';
import type { Stage } from './stage/types.ts';

export interface ControlRoutesOptions {
  readonly catalog: ReadonlyObservable<Catalog>;
  readonly stage: ReadonlyObservable<Stage>;
  readonly clients: () => readonly ClientStatus[];
  readonly clock: Clock;
  readonly metrics: MetricRegistry;
}

/** What the admin server of control answers. The JSON is stable and documented. */
export function controlRoutes({ catalog, stage, clients, clock, metrics }: ControlRoutesOptions): readonly AdminRoute[] {
  const facts = (): ControlFacts => ({ catalog: catalog.value, stage: stage.value, nowMs: clock.nowMs() });
  return [
    get('/api/rings', 'rings and their sources', () => ({ json: reportRings(facts()) })),
    get('/api/rings/{ring}', 'members of a ring: what the ring says, what EDS says, and why', ({ params }) => {
      const { ring: name = '' } = params;
      const report = reportRing(name, facts());
      if (report) return { json: report };
      throw new AdminError(404, 'NO_RING', `no ring "${name}"; there is: ${[...catalog.value.rings.keys()].join(', ') || 'none'}`);
    }),
    get('/api/clients', 'xDS clients: what each was sent, took and refused', () => ({ json: reportClients(clients()) })),
    get('/metrics', 'Prometheus', () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', body: prometheusText(metrics) })),
    get('/ready', 'whether every ring has been read', () => {
      const { ok, text } = readinessOf(catalog.value, stage.value);
      return { status: ok ? 200 : 503, contentType: 'text/plain; charset=utf-8', body: `${text}\n` };
    }),
    get('/healthz', 'that the process runs', () => ({ contentType: 'text/plain; charset=utf-8', body: 'ok\n' })),
  ];
}

function get(path: string, title: string, handle: AdminRoute['handle']): AdminRoute {
  return { method: 'GET', path, title, handle };
}
