import { editDistance } from '../../core/index.ts';

/** The name that `key` was probably meant to be, undefined when none is near. */
export function similar(key: string, names: readonly string[]): string | undefined {
  const wanted = flat(key);
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of names) {
    const distance = editDistance(wanted, flat(name));
    if (distance <= Math.max(1, Math.floor(name.length / 4)) && (!best || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}

function flat(name: string): string {
  return name.toLowerCase().replace(/[_-]/g, '').slice(0, 80);
}
