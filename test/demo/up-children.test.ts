import t from 'tap';
import { listenersOf, planInstallation, plannedChildren, sampleConfig } from '../../src/demo/index.ts';

const NATS = ['nats://127.0.0.1:4222', 'tls://nats-1:4222'];

t.test('with NATS the inbound sidecars announce the members, and nobody shows ring pages', async (t) => {
  const plan = planInstallation({ zones: 2, portOffset: 100, nats: NATS });
  const children = plannedChildren(plan, 'ringway.yaml');
  t.strictSame(
    children.map(({ name }) => name),
    ['control', ...plan.members.map(({ id }) => `sidecar of ${id}`), 'egress sidecar', ...plan.members.map(({ id }) => id), 'querier'],
  );
  const words = (name: string): string => children.find((child) => child.name === name)?.words.join(' ') ?? '';
  t.equal(
    words('sidecar of live-store-zone-b-0'),
    'inbound --listen 127.0.0.1:9212 --local 127.0.0.1:9222 --member live-store-zone-b-0 --control 127.0.0.1:18100 --admin 127.0.0.1:9232 ' +
      '--nats nats://127.0.0.1:4222 --nats tls://nats-1:4222 --zone zone-b --advertise 127.0.0.1:9212',
  );
  t.notMatch(words('live-store-zone-b-0'), '--ring');
  t.match(words('querier'), '--control http://127.0.0.1:10002 ');
  t.match(sampleConfig(plan), '      - nats: { servers: ["nats://127.0.0.1:4222","tls://nats-1:4222"] }\n');
  t.notOk(listenersOf(plan).some(({ who }) => who === 'sample distributor'));
});

t.test('without NATS there are ring pages', async (t) => {
  const plan = planInstallation({ zones: 1, portOffset: 0 });
  const children = plannedChildren(plan, 'ringway.yaml');
  t.ok(children.some(({ name }) => name === 'distributor'));
  for (const { words } of children) t.notOk(words.includes('--nats'));
  t.match(children.at(-1)?.words.join(' '), '--ring http://127.0.0.1:3200 ');
  t.match(sampleConfig(plan), 'tempo: { urls: ["http://127.0.0.1:3200"], every: 500ms }');
});
