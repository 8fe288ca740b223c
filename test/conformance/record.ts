// Records anew what real Envoy makes of every situation: node test/conformance/record.ts. Look at the difference before committing it.
import { Stage } from './semantics/play.ts';
import { writeRecordedOutcomes } from './semantics/recorded.ts';
import { ROWS } from './semantics/rows/index.ts';
import type { Outcome } from './semantics/types.ts';

const stage = await Stage.open(ROWS);
// counters that never come: what is there when nothing has moved for long is recorded
const never: Outcome = { caller: [], upstream: [], log: [], counters: 'none like these' };
const played = await stage.play('envoy', new Map([['', never]]));
await stage.close();
writeRecordedOutcomes(new Map(ROWS.map(({ name }) => [name, played.get(name)!])));
