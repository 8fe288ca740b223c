import t from 'tap';
import { allAtOnce, inSlices, type TimeSlices, timeSlices } from '../../../src/core/index.ts';
import { create } from '../../../src/envoy/index.ts';
import { ClusterLoadAssignment } from '../../../src/gen/envoy/config/endpoint/v3/endpoint.ts';
import { LbEndpoint, LocalityLbEndpoints } from '../../../src/gen/envoy/config/endpoint/v3/endpoint_components.ts';
import { fakeDataPlane, fakeUpdate } from '../../support/fake-data-plane.ts';

t.test('a slice lasts 1 ms; the next one begins in a later turn', async (t) => {
  let nowMs = 100;
  let turns = 0;
  const slices = timeSlices({ monotonicMs: () => nowMs }, async () => {
    turns += 1;
    nowMs += 10; // others had the event loop
  });
  nowMs += 0.9;
  t.equal(slices.pause(), null);
  nowMs += 0.1;
  await slices.pause();
  t.equal(turns, 1);
  nowMs += 0.9;
  t.equal(slices.pause(), null, 'from the turn it began in');
  nowMs += 1;
  await slices.pause();
  t.equal(turns, 2);
});

t.test('by itself it waits for setImmediate', async (t) => {
  let nowMs = 0;
  const slices = timeSlices({ monotonicMs: () => nowMs });
  nowMs = 5;
  const order: string[] = [];
  setImmediate(() => order.push('others'));
  await slices.pause();
  order.push('we');
  t.strictSame(order, ['others', 'we']);
});

t.test('steps are run to their end, or to what they throw', async (t) => {
  function* steps(fails: boolean): Generator<undefined, string> {
    yield;
    if (fails) throw new Error('no');
    yield;
    return 'done';
  }
  const slices = alwaysOver();
  t.equal(await inSlices(slices, steps(false)), 'done');
  t.equal(slices.pauses, 2);
  await t.rejects(inSlices(slices, steps(true)), { message: 'no' });
  t.equal(allAtOnce(steps(false)), 'done');
});

t.test('a message is decoded in steps as it is at once', async (t) => {
  const endpoints = Array.from({ length: 300 }, (_, weight) => create(LbEndpoint, { loadBalancingWeight: weight + 1 }));
  const message = create(ClusterLoadAssignment, {
    clusterName: 'a',
    endpoints: [create(LocalityLbEndpoints, { priority: 1 }), create(LocalityLbEndpoints, { lbEndpoints: endpoints, priority: 2 })],
  });
  const bytes = ClusterLoadAssignment.encode(message).finish();
  let steps = 0;
  const decoding = ClusterLoadAssignment.decodeInSteps(bytes);
  let step = decoding.next();
  for (; !step.done; step = decoding.next()) steps += 1;
  t.strictSame(step.value, ClusterLoadAssignment.decode(bytes));
  t.equal(steps, 1 + 2, 'fields of the whole: small messages are one step');
  const large = ClusterLoadAssignment.encode({ ...message, endpoints: [...message.endpoints, ...manyOf(endpoints)] }).finish();
  t.ok([...ClusterLoadAssignment.decodeInSteps(large)].length > 1_000, 'inside large ones each field is a step');
  t.throws(() => [...ClusterLoadAssignment.decodeInSteps(bytes.subarray(0, 20))]);
});

t.test('requests see all of an update or nothing of it, however many turns it takes', async (t) => {
  const slices = alwaysOver();
  const { runtime } = fakeDataPlane({ slices });
  await runtime.start();
  const generations: number[] = [];
  runtime.config.subscribe(({ generation, clusters }) => generations.push(generation, clusters.size));
  const names = Array.from({ length: 50 }, (_, index) => `c${index}`);
  slices.onPause = () => t.equal(runtime.config.value.clusters.size, 0, 'nothing yet');
  const failures = await runtime.apply(
    fakeUpdate(
      'cluster',
      names.map((name) => ({ name })),
    ),
  );
  t.strictSame(failures, []);
  t.equal(slices.pauses, 50);
  t.strictSame(generations, [1, 50], 'one swap');
  runtime.stop();
});

t.test('a stop while an update is applied leaves the rest of it', async (t) => {
  const slices = alwaysOver();
  const { runtime, log } = fakeDataPlane({ slices });
  await runtime.start();
  slices.onPause = () => {
    if (slices.pauses === 2) runtime.stop();
  };
  await runtime.apply(fakeUpdate('cluster', [{ name: 'a' }, { name: 'b' }, { name: 'c' }]));
  t.strictSame(log, ['start a', 'retire a']);
  t.equal(runtime.resources().clusters.length, 0);
});

interface CountedSlices extends TimeSlices {
  readonly pauses: number;
  onPause: () => void;
}

/** Slices that are over whenever they are asked. */
function alwaysOver(): CountedSlices {
  let pauses = 0;
  return {
    get pauses() {
      return pauses;
    },
    onPause: () => {},
    pause() {
      pauses += 1;
      this.onPause();
      return new Promise((resolve) => {
        setImmediate(resolve);
      });
    },
  };
}

function manyOf(endpoints: readonly LbEndpoint[]): LocalityLbEndpoints[] {
  return [create(LocalityLbEndpoints, { lbEndpoints: Array.from({ length: 5 }, () => endpoints).flat() })];
}
