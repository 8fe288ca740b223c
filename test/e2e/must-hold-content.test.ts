// What passes through egress and inbound sidecar is what was sent: large and compressed messages, and every header of its own.
import t from 'tap';
import { formatHostPort } from '../../src/core/index.ts';
import { GrpcClient, type UnaryReply } from '../../src/demo/grpc/index.ts';
import { padding } from '../../src/demo/live-store/faults.ts';
import { askSearch, askTrace } from '../../src/demo/querier/questions.ts';
import { type Fleet, type FleetMember, memberPlan } from '../support/fleet.ts';
import { SIDECAR_KINDS, startFleet } from '../support/with-fleet.ts';

t.setTimeout(300_000);

const MiB = 1024 * 1024;
/** The largest that Tempo takes, less what snappy's framing adds to bytes that do not compress. */
const LARGE = 16 * MiB - 8 * 1024;

for (const kind of SIDECAR_KINDS) {
  t.test(`${kind}: messages of 16 MiB in both directions, in each encoding`, async (t) => {
    const fleet = await startFleet(t, kind, [memberPlan('a', 0), memberPlan('b', 0)]);
    if (!fleet) return;
    for (const encoding of ['snappy', 'gzip', 'identity'] as const) {
      const client = new GrpcClient(fleet.egress, { encoding });
      t.teardown(() => client.close());
      const asked = askSearch({ partition: 0, partitions: 2 });
      const request = Buffer.concat([asked.message, padding(LARGE - asked.message.length - 16)]);
      const sent = await call(fleet, client, asked.path, request);
      t.same([sent.status, sent.statusText, asked.check([sent.message])], [0, '', ''], `${encoding}: ${request.length} bytes there`);
      const pad = LARGE - 8 * 1024;
      const got = await call(fleet, client, asked.path, asked.message, { 'x-sample-pad-bytes': String(pad) });
      t.same([got.status, got.statusText], [0, '']);
      t.ok(got.message.subarray(-pad).equals(padding(pad).subarray(-pad)), `${encoding}: ${got.message.length} bytes back`);
    }
    const client = new GrpcClient(fleet.egress, { encoding: 'identity' });
    t.teardown(() => client.close());
    const over = await call(fleet, client, askSearch({ partition: 0, partitions: 2 }).path, padding(16 * MiB + 1));
    t.match(`${over.status} ${over.statusText}`, /^8 grpc: received message larger than max/, "the live-store's own refusal");
  });

  t.test(`${kind}: x-scope-orgid is neither merged nor dropped nor made up`, async (t) => {
    const fleet = await startFleet(t, kind, [memberPlan('a', 0), memberPlan('b', 0)]);
    if (!fleet) return;
    const client = new GrpcClient(fleet.egress);
    t.teardown(() => client.close());
    const { path, message } = askTrace({ partition: 0, partitions: 2 }, 0);
    const status = async (tenants: readonly string[]): Promise<string> => {
      const { status, statusText } = await call(fleet, client, path, message, { 'x-scope-orgid': tenants });
      return `${status} ${statusText}`;
    };
    t.equal(await status(['one']), '0 ');
    t.equal(await status(['one', 'two']), '2 no org id', 'two values arrive as two');
    t.equal(await status([]), '2 no org id');
  });
}

function call(
  fleet: Fleet,
  client: GrpcClient,
  path: string,
  message: Uint8Array,
  metadata: Readonly<Record<string, string | readonly string[]>> = {},
): Promise<UnaryReply> {
  const member = fleet.members.get('live-store-zone-a-0') as FleetMember;
  const all = { 'x-scope-orgid': 't', ...metadata };
  return client.unary({ path, message, authority: formatHostPort(member.advertised), metadata: all, timeoutMs: 30_000 });
}
