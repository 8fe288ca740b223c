import t from 'tap';
import { natsBus, natsConnection } from '../../support/nats-bus.ts';
import { natsServer } from '../../support/nats-server.ts';
import { busSuite } from './bus-suite.ts';

t.setTimeout(120_000);

const server = await natsServer(t);
if (server !== undefined) {
  await server.start();
  let buckets = 0;

  await t.test('a bus over NATS keeps the promises of every bus', (t) =>
    busSuite(t, {
      create: async (t, forgetAfterMs) => {
        buckets += 1;
        const connection = natsConnection([server.url], { bucket: `suite-${buckets}` });
        // Control creates the bucket before any member comes.
        const first = natsBus(t, connection).watch(AbortSignal.timeout(5000))[Symbol.asyncIterator]();
        await first.next();
        await first.return?.();
        return {
          connect: () => natsBus(t, connection, { forgetAfterMs }),
          takeAway: () => server.stop(),
          giveBack: () => server.start(),
          until: async (look) => {
            for (const endMs = Date.now() + 15_000; Date.now() < endMs; ) {
              const seen = look();
              if (seen !== undefined) return seen;
              await new Promise((resolve) => setTimeout(resolve, 10));
            }
            throw new Error('it does not happen within 15 seconds');
          },
        };
      },
    }),
  );
}
