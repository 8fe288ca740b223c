import { messageOf } from '../../../core/index.ts';
import type { Json } from '../../../envoy/index.ts';
import { type DumpPart, type DumpSource, dumpParts, elementType } from '../config-dump/dump.ts';
import { masked } from '../config-dump/field-mask.ts';
import { jsonInPieces, type Late } from '../json-pieces.ts';
import { type AdminPage, type AdminReply, type AdminRequest, has, json, text } from '../page.ts';

type Fields = Readonly<Record<string, Json>>;

/** `/config_dump`: envoy.admin.v3.ConfigDump; `resource`, `mask`, `name_regex`, `include_eds`. */
export function configDumpPage(source: DumpSource): AdminPage {
  return {
    path: '/config_dump',
    method: 'GET',
    summary: 'dump current Envoy configs (resource, mask, name_regex, include_eds)',
    reply: (request) => reply(source, request),
  };
}

function reply(source: DumpSource, request: AdminRequest): AdminReply {
  const parts = dumpParts(source, { withEndpoints: has(request, 'include_eds') });
  const names = nameFilter(request.query.get('name_regex'));
  if (typeof names === 'string') return text(names, 400);
  const resource = request.query.get('resource');
  const mask = request.query.get('mask');
  if (resource === null && mask === null && names === null)
    return jsonInPieces({ configs: parts.map(({ type, fields }) => ({ '@type': type, ...fields })) });
  const fits = names ?? ((): boolean => true);
  const configs = resource === null ? parts.map((part) => wholePart(part, fits)) : resourceElements(parts, resource, fits);
  if (configs === null) return noList(parts, resource ?? '');
  return withMask(configs, mask);
}

function withMask(configs: readonly Fields[], mask: string | null): AdminReply {
  if (mask === null) return json({ configs });
  const kept = configs.flatMap((config) => {
    const { '@type': type, ...fields } = config;
    const part = masked(fields, mask);
    return part ? [{ '@type': type, ...part }] : [];
  });
  if (kept.length === 0 && configs.length > 0) return text(`FieldMask ${mask} could not be successfully applied to any configs.`, 400);
  return json({ configs: kept });
}

/** A part with those elements of its lists whose name fits. */
function wholePart({ type, fields }: DumpPart, fits: (element: Json) => boolean): Fields {
  const filtered = Object.entries(fields).map(([name, value]) => [name, Array.isArray(value) ? elementsOf(value).filter(fits) : value]);
  return { '@type': type, ...Object.fromEntries(filtered) };
}

/** The elements of one list, e.g. `dynamic_listeners`; null when there is no such list. */
function resourceElements(parts: readonly DumpPart[], resource: string, fits: (element: Json) => boolean): Fields[] | null {
  const type = elementType(resource);
  if (type === undefined) return null;
  const elements = parts.flatMap(({ fields }) => elementsOf(fields[resource] ?? []));
  return elements.filter(fits).map((element) => ({ '@type': type, ...(element as Fields) }));
}

function elementsOf(list: DumpPart['fields'][string]): Json[] {
  return (list as readonly Late<Json>[]).map((element) => element());
}

function noList(parts: readonly DumpPart[], resource: string): AdminReply {
  const isField = parts.some(({ fields }) => fields[resource] !== undefined);
  if (!isField) return text(`${resource} not found in config dump`, 404);
  return text(`${resource} is not a repeated field. Use ?mask=${resource} to get only this field`, 400);
}

function nameFilter(pattern: string | null): ((element: Json) => boolean) | string | null {
  if (pattern === null) return null;
  try {
    const regex = new RegExp(`^(?:${pattern})$`);
    return (element) => regex.test(nameOf(element));
  } catch (error) {
    return `Error while parsing name_regex from /config_dump?name_regex=${pattern}: ${messageOf(error)}`;
  }
}

/** Of a dump element: its own name, or that of the resource inside. */
function nameOf(element: Json): string {
  const { name, cluster, listener, route_config, endpoint_config } = element as DumpElement;
  const inner = cluster ?? listener ?? route_config ?? endpoint_config;
  return name ?? inner?.name ?? inner?.cluster_name ?? '';
}

interface Named {
  readonly name?: string;
  readonly cluster_name?: string;
}

/** What elements of dump lists have in common. */
interface DumpElement extends Named {
  readonly cluster?: Named;
  readonly listener?: Named;
  readonly route_config?: Named;
  readonly endpoint_config?: Named;
}
