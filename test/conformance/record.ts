// Records anew what real Envoy makes of every situation: node test/conformance/record.ts. Look at the difference before committing it.
import { Stage } from './semantics/play.ts';
import { writeRecordedOutcomes } from './semantics/recorded.ts';
import { GROUPS, REFUSED } from './semantics/rows/index.ts';
import type { Outcome } from './semantics/types.ts';

// counters that never come: what is there when nothing has moved for long is recorded
const never: Outcome = { caller: [], upstream: [], log: [], counters: 'none like these' };
const recorded = new Map<string, Outcome>();
for (const { rows, runtime } of [...GROUPS, { rows: REFUSED }]) {
  const stage = await Stage.open(rows, runtime);
  const played = await stage.play('envoy', new Map([['', never]]));
  await stage.close();
  for (const { name } of rows) recorded.set(name, played.get(name)!);
}
writeRecordedOutcomes(recorded);
