import { inSlices, type TimeSlices } from '../../../core/index.ts';
import { prometheusPieces } from '../../../telemetry/index.ts';
import { type AdminPage, type AdminReply, type AdminRequest, DONE, text, textInPieces } from '../page.ts';
import { type StatsSource, selectStats } from './stats-filter.ts';
import { statsJson } from './stats-json.ts';
import { statsText } from './stats-text.ts';

/** `/stats` in its text, JSON and Prometheus forms, `/stats/prometheus`, and `/reset_counters`. */
export function statsPages(source: StatsPagesSource): AdminPage[] {
  return [
    {
      path: '/stats',
      method: 'GET',
      summary: 'print server stats (usedonly, filter, type, format=text|json|prometheus)',
      reply: (request) => stats(source, request),
    },
    {
      path: '/stats/prometheus',
      method: 'GET',
      summary: 'print server stats in prometheus format',
      reply: (request) => prometheus(source, request),
    },
    { path: '/reset_counters', method: 'POST', summary: 'reset all counters to zero', reply: () => resetCounters(source) },
  ];
}

/** As `StatsSource`; many series are looked through a slice at a time. */
interface StatsPagesSource extends StatsSource {
  readonly slices: TimeSlices;
}

async function stats(source: StatsPagesSource, request: AdminRequest): Promise<AdminReply> {
  const format = request.query.get('format') ?? 'text';
  if (format === 'prometheus') return prometheus(source, request);
  if (format !== 'text' && format !== 'json') return text('usage: /stats?format=text|json|prometheus\n', 400);
  await source.refresh();
  const selected = await inSlices(source.slices, selectStats(source, request));
  if ('refused' in selected) return text(selected.refused, 400);
  if (format === 'text') return textInPieces(statsText(selected));
  return { status: 200, contentType: 'application/json', body: statsJson(selected) };
}

async function prometheus(source: StatsPagesSource, request: AdminRequest): Promise<AdminReply> {
  await source.refresh();
  const selected = await inSlices(source.slices, selectStats(source, request));
  if ('refused' in selected) return text(selected.refused, 400);
  return { ...textInPieces(prometheusPieces(selected.inOrder, { envoyStyle: true })), contentType: 'text/plain' };
}

/** What other processes counted so far must be here first: it would come after. */
async function resetCounters(source: StatsPagesSource): Promise<AdminReply> {
  await source.refresh();
  for (const { metric } of await inSlices(source.slices, source.series())) if ('inc' in metric) metric.value = 0;
  return DONE;
}
