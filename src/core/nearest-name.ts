import { editDistance } from './edit-distance.ts';

/** The name in `known` that `text` was probably meant to be, whatever the case: at most two edits or a third of it away; undefined when none is. */
export function nearestName(text: string, known: readonly string[]): string | undefined {
  const wanted = text.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(text.length / 3)) + 1;
  for (const name of known) {
    const distance = editDistance(wanted, name.toLowerCase());
    // So short a word has nothing in common with what is that far away.
    if (distance >= bestDistance || distance > text.length / 2) continue;
    best = name;
    bestDistance = distance;
  }
  return best;
}
