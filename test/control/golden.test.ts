import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { parse, stringify } from 'yaml';
import { egressResources } from '../../src/control/snapshot/egress.ts';
import { buildSnapshot } from '../../src/control/source.ts';
import { advanceStage } from '../../src/control/stage/advance.ts';
import { LINGER, type RingStage, type Stage } from '../../src/control/stage/types.ts';
import { checkConstraints, type Json, type MessageName, messageToJson } from '../../src/envoy/index.ts';
import type { MergedMember } from '../../src/membership/types.ts';
import { catalogOf, memberOf, CATALOG_MS as NOW, ringOf } from '../support/catalog.ts';

/** A view, and what its ring goes through before it is looked at. */
interface Case {
  readonly view: { readonly listen: string; readonly zone: string };
  /** Which resources to write; all unless given. */
  readonly show?: readonly string[];
  readonly steps: readonly { readonly afterMs?: number; readonly members: readonly (Partial<MergedMember> & { readonly id: string })[] }[];
}

const RING = 'live-store';
const folder = fileURLToPath(new URL('../golden/control/', import.meta.url));
const { UPDATE_GOLDEN } = process.env;
const update = UPDATE_GOLDEN === '1';

function stageOf({ steps }: Case): RingStage {
  let stage: Stage | null = null;
  let nowMs = NOW;
  for (const { afterMs = 0, members } of steps) {
    nowMs += afterMs;
    stage = advanceStage(
      stage,
      catalogOf(
        1,
        ringOf(
          RING,
          members.map(({ id, ...fields }) => memberOf(id, fields)),
        ),
      ),
      nowMs,
      LINGER,
    );
  }
  return stage?.rings.get(RING) as RingStage;
}

function resourcesOf(t: Test, input: Case): string {
  const resources = egressResources(stageOf(input), input.view);
  const types: Record<keyof typeof resources, MessageName> = {
    clusters: 'envoy.config.cluster.v3.Cluster',
    endpoints: 'envoy.config.endpoint.v3.ClusterLoadAssignment',
    listeners: 'envoy.config.listener.v3.Listener',
    routes: 'envoy.config.route.v3.RouteConfiguration',
  };
  const written: Record<string, Json> = { version: buildSnapshot(stageOf(input), input.view).version };
  for (const [kind, type] of Object.entries(types) as [keyof typeof resources, MessageName][]) {
    for (const message of resources[kind]) t.same(checkConstraints(type, message), [], `${kind} keep the constraints of their fields`);
    if (input.show?.includes(kind) ?? true) written[kind] = resources[kind].map((message) => messageToJson(type, message));
  }
  return stringify(written, { aliasDuplicateObjects: false, lineWidth: 140 });
}

const files = readdirSync(folder);
const cases = files.filter((file) => file.endsWith('.in.yaml')).map((file) => file.replace(/\.in\.yaml$/, ''));

for (const name of cases) {
  t.test(`${name}: the resources of its egress view`, async (t) => {
    const written = resourcesOf(t, parse(readFileSync(`${folder}${name}.in.yaml`, 'utf8')) as Case);
    if (update) writeFileSync(`${folder}${name}.out.yaml`, written);
    t.equal(written, readFileSync(`${folder}${name}.out.yaml`, 'utf8'));
  });
}

t.test('no output is without its input', async (t) => {
  const orphans = files.filter((file) => !cases.some((name) => file === `${name}.in.yaml` || file === `${name}.out.yaml`));
  if (update) for (const orphan of orphans) rmSync(`${folder}${orphan}`);
  else t.same(orphans, []);
});
