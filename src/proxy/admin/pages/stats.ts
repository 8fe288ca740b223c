import { prometheusText } from '../../../telemetry/index.ts';
import { type AdminPage, type AdminReply, type AdminRequest, DONE, json, text } from '../page.ts';
import { type StatsSource, selectStats } from './stats-filter.ts';
import { statsJson } from './stats-json.ts';
import { statsText } from './stats-text.ts';

/** `/stats` in its text, JSON and Prometheus forms, `/stats/prometheus`, and `/reset_counters`. */
export function statsPages(source: StatsSource): AdminPage[] {
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

async function stats(source: StatsSource, request: AdminRequest): Promise<AdminReply> {
  const format = request.query.get('format') ?? 'text';
  if (format === 'prometheus') return prometheus(source, request);
  if (format !== 'text' && format !== 'json') return text('usage: /stats?format=text|json|prometheus\n', 400);
  await source.refresh();
  const selected = selectStats(source, request);
  if ('refused' in selected) return text(selected.refused, 400);
  return format === 'json' ? json(statsJson(selected), { compact: true }) : text(statsText(selected));
}

async function prometheus(source: StatsSource, request: AdminRequest): Promise<AdminReply> {
  await source.refresh();
  const selected = selectStats(source, request);
  if ('refused' in selected) return text(selected.refused, 400);
  return { ...text(prometheusText({ series: () => selected.inOrder }, { envoyStyle: true })), contentType: 'text/plain' };
}

/** What other processes counted so far must be here first: it would come after. */
async function resetCounters(source: StatsSource): Promise<AdminReply> {
  await source.refresh();
  for (const { metric } of source.series()) if ('inc' in metric) metric.value = 0;
  return DONE;
}
