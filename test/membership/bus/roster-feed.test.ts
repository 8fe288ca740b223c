import t from 'tap';
import { RingwayError } from '../../../src/core/index.ts';
import { type RosterListener, rosterFeed } from '../../../src/membership/bus/roster-feed.ts';
import type { BusEvent } from '../../../src/membership/types.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const ERROR = new RingwayError('nats: away', { code: 'BUS_UNAVAILABLE' });

t.test('an interruption is reported by the patience that was told last, counted from its beginning', async (t) => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const heard: BusEvent['kind'][] = [];
  let listener: RosterListener | null = null;
  const origin = {
    open: (opened: RosterListener) => {
      listener = opened;
      return () => Promise.resolve();
    },
    forget: () => {},
  };
  const reading = (async () => {
    const pace = { changeGapMs: 0, heartbeatGapMs: 0 };
    for await (const { kind } of rosterFeed(stop.signal, origin, { clock, forgetAfterMs: 120_000, pace })) heard.push(kind);
  })();
  await clock.advance(0);
  const feed = listener as unknown as RosterListener;
  const after = async (ms: number): Promise<readonly BusEvent['kind'][]> => {
    await clock.advance(ms);
    return heard.splice(0);
  };

  feed.synced([]);
  t.strictSame(await after(0), ['members']);
  feed.away(ERROR, 1000);
  t.strictSame(await after(400), []);
  feed.away(ERROR, 15_000);
  t.strictSame(await after(10_000), [], 'another server took us: who leads is found out');
  feed.away(ERROR, 15_000);
  t.strictSame(await after(4_599), []);
  t.strictSame(await after(1), ['failed'], 'from the beginning, not from the last attempt');
  feed.away(ERROR, 15_000);
  t.strictSame(await after(0), ['failed'], 'each attempt from then on');
  feed.synced([]);
  t.strictSame(await after(0), ['members']);
  feed.away(ERROR, 15_000);
  t.strictSame(await after(5_000), []);
  feed.away(ERROR, 1000);
  t.strictSame(await after(0), ['failed'], 'and the connection as well: longer than its patience');
  stop.abort();
  await reading;
});
