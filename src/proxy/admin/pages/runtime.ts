import type { Json } from '../../../envoy/index.ts';
import { type AdminPage, json } from '../page.ts';

type Fields = Readonly<Record<string, Json>>;

/** `/runtime`: what the bootstrap's `layered_runtime` says, layer by layer. A sidecar acts on none of it. */
export function runtimePage(bootstrap: Json): AdminPage {
  const { layered_runtime: runtime } = bootstrap as { readonly layered_runtime?: { readonly layers?: readonly Fields[] } };
  const layers = runtime?.layers ?? [];
  const values = layers.map((layer) => new Map(flat('', (layer as { readonly static_layer?: Json }).static_layer ?? {})));
  const names = [...new Set(values.flatMap((layer) => [...layer.keys()]))].sort();
  const entries = names.map((name) => {
    const layerValues = values.map((layer) => layer.get(name) ?? '');
    return [name, { layer_values: layerValues, final_value: layerValues.findLast((value) => value !== '') ?? '' }] as const;
  });
  const body = { entries: Object.fromEntries(entries), layers: layers.map((layer) => (layer as { readonly name?: Json }).name ?? '') };
  return { path: '/runtime', method: 'GET', summary: 'print runtime values', reply: () => json(body) };
}

/** `{a: {b: 5}}` as `a.b` and `5`. */
function flat(prefix: string, value: Json): [string, string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[prefix, String(value)]];
  return Object.entries(value as Fields).flatMap(([key, inner]) => flat(prefix === '' ? key : `${prefix}.${key}`, inner));
}
