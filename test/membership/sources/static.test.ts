import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../../src/core/index.ts';
import { createSources } from '../../../src/membership/sources/index.ts';
import { createStaticSource } from '../../../src/membership/sources/static/index.ts';
import type { SourceReport } from '../../../src/membership/types.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { sourceDeps } from '../../support/source-deps.ts';
import { sourceSuite } from '../source-suite.ts';

t.test('a static source keeps the promises of every source', (t) =>
  sourceSuite(t, async (t) => {
    const clock = new FakeClock();
    const file = join(t.testdir({}), 'members.yaml');
    const source = createStaticSource({ name: 'static', ring: 'live-store', file }, sourceDeps(clock));
    return {
      source,
      clock,
      say: (members) => writeFileSync(file, JSON.stringify(members)),
      spoil: () => writeFileSync(file, '- id: a\n  adress: x\n'),
      look: async () => source.reload?.(),
    };
  }),
);

/** The first report on a file with this text; without its path. */
async function reportOn(t: Test, text: string | null): Promise<SourceReport | string> {
  const file = join(t.testdir({}), 'members.yaml');
  if (text !== null) writeFileSync(file, text);
  const abort = new AbortController();
  const source = createStaticSource({ name: 'static', ring: 'live-store', file }, sourceDeps(new FakeClock(0)));
  for await (const report of source.watch(abort.signal)) {
    abort.abort();
    return report.kind === 'failed' ? report.error.message.replace(file, 'members.yaml') : report;
  }
  return 'end';
}

t.test('YAML, JSON, and what may be left out', async (t) => {
  const yaml = `# two live-stores
- { id: a-0, address: "10.0.0.1:9096", zone: zone-a, partition: 0 }
- id: b-0
  address: stores.example:9096
- { id: c-0, address: "[fd00::1]:9096", partition: null }
`;
  const rest = { state: 'ACTIVE', heartbeatMs: null, registeredMs: null };
  const members = [
    { id: 'a-0', address: '10.0.0.1:9096', zone: 'zone-a', partition: 0, ...rest },
    { id: 'b-0', address: 'stores.example:9096', zone: '', partition: null, ...rest },
    { id: 'c-0', address: '[fd00::1]:9096', zone: '', partition: null, ...rest },
  ];
  const report = { kind: 'members', ring: 'live-store', members, partitions: [], asOfMs: 0 };
  t.strictSame(await reportOn(t, yaml), report);
  const json = JSON.stringify(
    members.map(({ id, address, zone, partition }) => ({ id, address, zone, partition })),
    null,
    '\t',
  );
  t.strictSame(await reportOn(t, json), report);
  t.strictSame(await reportOn(t, '[]'), { ...report, members: [] });
});

t.test('a bad file is one line that says where and what', async (t) => {
  const cases: readonly (readonly [string | null, string])[] = [
    [null, 'members.yaml: no such file'],
    ['', 'members.yaml:1: the file: null is of the wrong type, allowed: a list'],
    ['members: []', 'members.yaml:1: the file: {"members":[]} is of the wrong type, allowed: a list'],
    ['- a\n- b\n', 'members.yaml:1: [0]: "a" is of the wrong type, allowed: keys and values (and 1 more)'],
    [
      '- id: a\n  adress: x:1\n',
      'members.yaml:1: [0].address: missing, allowed: host:port, such as 10.0.0.1:9096 or [fd00::1]:9096 (and 1 more)',
    ],
    [
      '- id: a\n  address: x\n',
      'members.yaml:2: [0].address: "x" is not an address, allowed: host:port, such as 10.0.0.1:9096 or [fd00::1]:9096',
    ],
    [
      '- id: a\n  address: ":1"\n',
      'members.yaml:2: [0].address: ":1" is not an address, allowed: host:port, such as 10.0.0.1:9096 or [fd00::1]:9096',
    ],
    ['- {id: a, address: "x:1", partition: -1}', 'members.yaml:1: [0].partition: is not a partition, allowed: a whole number from 0'],
    ['- {id: a, address: "x:1", zone: 1}', 'members.yaml:1: [0].zone: 1 is of the wrong type, allowed: a text'],
    ['- {id: a, address: "x:1"}\n- {id: a, address: "x:2"}\n', 'members.yaml:2: [1].id: "a" is in the list before, allowed: each id once'],
    ['- {id: a, address: "x:1", zone: "', 'members.yaml:1: bad YAML: Missing closing "quote'],
  ];
  for (const [text, message] of cases) t.match(await reportOn(t, text), message, JSON.stringify(text));
});

t.test('a file that changes is read again by itself, also when it was replaced or gone', async (t) => {
  const file = join(t.testdir({ 'members.yaml': '[]' }), 'members.yaml');
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  const source = createStaticSource({ name: 'static', ring: 'live-store', file }, sourceDeps(systemClock));
  const reports = source.watch(abort.signal)[Symbol.asyncIterator]();
  t.match(await reports.next(), { value: { members: [] } });
  writeFileSync(file, '[{id: a, address: "10.0.0.1:1"}]');
  t.match(await reports.next(), { value: { members: [{ id: 'a' }] } });
  rmSync(file);
  t.match(await reports.next(), { value: { kind: 'failed', error: { message: `${file}: no such file` } } });
  writeFileSync(file, '[{id: b, address: "10.0.0.1:1"}]');
  t.match(await reports.next(), { value: { members: [{ id: 'b' }] } });
});

t.test('sources are made in the order of the configuration and named after their kind', async (t) => {
  const tempo = {
    kind: 'tempo',
    urls: ['http://a:1'],
    everyMs: 1000,
    timeoutMs: 1000,
    keys: { instances: 'a', partitions: null },
    tls: null,
    bearer: null,
    headers: new Map<string, string>(),
  } as const;
  const file = { kind: 'static', file: '/nowhere' } as const;
  const sources = createSources('r', [file, tempo, file, tempo, tempo], sourceDeps(new FakeClock()));
  t.strictSame(
    sources.map(({ name }) => name),
    ['static', 'tempo', 'static-2', 'tempo-2', 'tempo-3'],
  );
});
