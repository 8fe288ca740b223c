import type { Json } from '../../../envoy/index.ts';

/** The route configurations that stand inside a listener (`route_config` of its connection managers), as JSON objects. */
export function inlineRoutes(listener: Json): Readonly<Record<string, Json>>[] {
  const found: Readonly<Record<string, Json>>[] = [];
  const walk = (json: Json): void => {
    if (typeof json !== 'object' || json === null) return;
    for (const [name, value] of Object.entries(json)) {
      if (name === 'route_config' && isObject(value)) found.push(value);
      else walk(value as Json);
    }
  };
  walk(listener);
  return found;
}

function isObject(value: unknown): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
