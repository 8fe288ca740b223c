// A bounded run of the fuzzer; `npm run fuzz` goes on for as long as one likes. RINGWAY_FUZZ_SEED: another seed than that of CI.
import t from 'tap';
import { Fuzzer } from './fuzzer.ts';

const SEED = Number(process.env['RINGWAY_FUZZ_SEED'] ?? 1);
const FRAMES = 400_000;
/** Whatever the machine has done by then is enough. */
const MAX_MS = 15_000;

t.test(`frames of all kinds, whole and broken, from both sides at once (seed ${SEED})`, async (t) => {
  const fuzzer = new Fuzzer(SEED);
  t.teardown(fuzzer.watchProcess());
  const began = performance.now();
  for (let index = 0; fuzzer.frames < FRAMES && performance.now() - began < MAX_MS; index += 1) {
    const failure = await fuzzer.run(index);
    if (failure) t.same(failure.faults, [], `case ${index}: npm run fuzz -- --seed ${SEED} --case ${index}`);
  }
  t.same(await fuzzer.endPath(), []);
  t.comment(`${fuzzer.frames} frames in ${fuzzer.cases} cases`);
  t.ok(fuzzer.cases > 100, `${fuzzer.cases} cases`);
});
