import { readFileSync, writeFileSync } from 'node:fs';
import { differencesOf } from './differences.ts';
import type { Outcome } from './types.ts';

const FILE = new URL('../../golden/grpc-semantics/envoy-1.40.json', import.meta.url);

/** What Envoy 1.40 made of each situation, by name. `node test/conformance/record.ts` writes it anew. */
export function recordedOutcomes(): Map<string, Outcome> {
  return new Map(Object.entries(JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Outcome>));
}

export function writeRecordedOutcomes(outcomes: ReadonlyMap<string, Outcome>): void {
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(outcomes), null, 1)}\n`);
}

/** What Ringway is to make of a situation: what Envoy does, but for what is otherwise on purpose. Throws when a difference is none. */
export function ringwayOutcome(name: string, envoy: Outcome): Outcome {
  const texts = {
    caller: envoy.caller.join('\n'),
    upstream: envoy.upstream.join('\n'),
    log: envoy.log.join('\n'),
    counters: envoy.counters,
  };
  for (const { changes } of differencesOf(name)) {
    for (const { part, envoy: theirs, ringway: ours } of changes) {
      if (!texts[part].includes(theirs)) throw new Error(`${name}: no "${theirs}" in ${part}: ${texts[part]}`);
      texts[part] = texts[part].replace(theirs, ours);
    }
  }
  const lines = (text: string): string[] => (text === '' ? [] : text.split('\n'));
  return { caller: lines(texts.caller), upstream: lines(texts.upstream), log: lines(texts.log), counters: texts.counters };
}
