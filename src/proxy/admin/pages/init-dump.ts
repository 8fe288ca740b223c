import type { Clock } from '../../../core/index.ts';
import { TYPE_URLS, type TypeUrl } from '../../../xds/types.ts';
import type { Waiting } from '../../runtime/index.ts';
import { type AdminPage, json } from '../page.ts';

const KINDS: ReadonlyMap<TypeUrl, string> = new Map([
  [TYPE_URLS.cluster, 'Cluster'],
  [TYPE_URLS.listener, 'Listener'],
  [TYPE_URLS.route, 'RouteConfiguration'],
]);

/** `/init_dump`: what does not serve yet, what it waits for and for how long. `{}` when everything serves. */
export function initDumpPage(options: { readonly waiting: () => readonly Waiting[]; readonly clock: Clock }): AdminPage {
  return {
    path: '/init_dump',
    method: 'GET',
    summary: 'dump what is not initialized yet, and what it waits for',
    reply: () => {
      const waiting = options.waiting();
      if (waiting.length === 0) return json({});
      return json({ unready_targets_dumps: waiting.map((each) => dump(each, options.clock.nowMs())) });
    },
  };
}

/** envoy.admin.v3.UnreadyTargetsDumps.UnreadyTargetsDump. */
function dump({ typeUrl, name, waitsFor, sinceMs }: Waiting, nowMs: number): unknown {
  const seconds = Math.floor((nowMs - sinceMs) / 1000);
  return { name: `${KINDS.get(typeUrl) ?? typeUrl} ${name}`, target_names: [`${waitsFor}, for ${seconds} s`] };
}
