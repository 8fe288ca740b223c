import { createServer } from 'node:net';
import t from 'tap';
import { summaryLine } from '../../src/demo/display/summary-line.ts';
import { tableLines } from '../../src/demo/display/table.ts';
import { assertFree, createDisplay, listenersOf, type Picture, planInstallation } from '../../src/demo/index.ts';
import { quantile } from '../../src/demo/querier/member-stats.ts';

const starting: Picture = { children: [], ring: null, querier: null, isReady: false, waitsFor: 'control' };
const running: Picture = {
  children: [
    { name: 'control', state: { kind: 'running', pid: 1 }, restarts: 0 },
    { name: 'live-store-zone-b-0', state: { kind: 'restarting', reason: 'killed by SIGKILL' }, restarts: 1 },
  ],
  ring: [
    {
      id: 'live-store-zone-a-0',
      address: '127.0.0.1:9111',
      zone: 'zone-a',
      partition: 0,
      state: 'ACTIVE',
      eds: 'HEALTHY',
      reason: 'queriers ask it',
    },
    {
      id: 'live-store-zone-b-0',
      address: '127.0.0.1:9112',
      zone: '',
      partition: null,
      state: 'ACTIVE',
      eds: 'UNHEALTHY',
      reason: 'heartbeat too old',
    },
  ],
  querier: {
    phase: 'ready',
    queries: 10,
    failed: 1,
    lastError: 'gRPC 2',
    members: { 'live-store-zone-a-0': { requests: 10, errors: 1, p99Ms: 2.345 } },
  },
  isReady: true,
  waitsFor: '',
};

t.test('one line says it all', (t) => {
  t.equal(summaryLine(starting), 'waiting: control');
  t.equal(
    summaryLine(running),
    'members 2 (1 healthy), queries 10, failed 1, requests 10, errors 1, p99 2.3 ms, last failure: gRPC 2, ' +
      'live-store-zone-b-0 died (killed by SIGKILL), starting again',
  );
  t.end();
});

t.test('the table', (t) => {
  t.same(tableLines(starting, 80), ['starting: control', '', 'Ctrl-C stops everything']);
  t.same(tableLines(running, 200), [
    'ready',
    '10 queries, 1 failed; 10 requests to live-stores, 1 errors',
    '',
    'MEMBER               ZONE    PARTITION  STATE                                  REQUESTS  ERRORS     P99',
    'live-store-zone-a-0  zone-a  0          ACTIVE                                       10       1  2.3 ms',
    'live-store-zone-b-0  -       -          ACTIVE (UNHEALTHY: heartbeat too old)         -       -       -',
    '',
    'live-store-zone-b-0 died (killed by SIGKILL), starting again',
    'last failure: gRPC 2',
    'Ctrl-C stops everything',
  ]);
  t.ok(tableLines(running, 40).every((line) => line.length <= 40));
  t.end();
});

t.test('lines in a log: ready once, alone on its line; on a terminal a table drawn over itself', (t) => {
  const shown = (isTTY: boolean): string => {
    let text = '';
    const display = createDisplay({
      isTTY,
      columns: 80,
      write: (part) => {
        text += part;
      },
    });
    for (const picture of [starting, running, running]) display.show(picture);
    display.end();
    return text;
  };
  t.equal(shown(false), ['waiting: control', 'ready', summaryLine(running), summaryLine(running), ''].join('\n'));
  const table = shown(true);
  t.ok(table.startsWith('\x1b[?25l\r\x1b[Jstarting: control\n'));
  t.ok(table.includes('\x1b[3A\r\x1b[Jready\n'), 'the second picture begins where the first began');
  t.ok(table.endsWith('\x1b[?25h'), 'the cursor is shown again');
  t.end();
});

t.test('ports: all different, moved together, and a taken one is named', async (t) => {
  const plan = planInstallation({ zones: 2, portOffset: 0 });
  t.same(
    plan.members.map(({ id, zone, partition }) => `${id} ${zone} ${partition}`),
    ['live-store-zone-a-0 zone-a 0', 'live-store-zone-b-0 zone-b 0', 'live-store-zone-a-1 zone-a 1', 'live-store-zone-b-1 zone-b 1'],
  );
  const ports = listenersOf(plan).map(({ address }) => address.port);
  t.equal(new Set(ports).size, ports.length);
  t.same(
    listenersOf(planInstallation({ zones: 2, portOffset: 7 })).map(({ address }) => address.port - 7),
    ports,
  );
  t.equal(planInstallation({ zones: 1, portOffset: 0 }).members.length, 2);
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.teardown(() => taken.close());
  const { port } = taken.address() as { port: number };
  await t.rejects(assertFree([{ who: 'control (xDS)', address: { host: '127.0.0.1', port } }]), {
    message: `port ${port} of control (xDS) is in use; choose others with --port-offset 10000 (tried 127.0.0.1:${port})`,
  });
  await assertFree([{ who: 'x', address: { host: '127.0.0.1', port: 0 } }]);
});

t.test('quantiles by nearest rank', (t) => {
  t.equal(quantile([], 0.99), 0);
  t.equal(quantile([5], 0.5), 5);
  t.equal(quantile([4, 1, 3, 2], 0.5), 2);
  t.equal(
    quantile(
      Array.from({ length: 100 }, (_, i) => i + 1),
      0.99,
    ),
    99,
  );
  t.end();
});
