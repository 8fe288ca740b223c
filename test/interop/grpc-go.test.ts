// Real grpc-go on both ends with a querier's and a live-store's settings, sidecars between: what comes out is what went in.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { goProgram } from '../support/go.ts';
import { type Finding, type GoClientOptions, runGoClient } from './go-client.ts';
import { type Sidecar, type SidecarKind, sidecarProgram, startEgress, startInbound, startServer } from './installation.ts';

const KINDS: readonly SidecarKind[] = ['envoy', 'ringway'];

/** Scenarios of the client (go/scenarios.go), and how many calls end with which grpc-status where that is certain. */
const SCENARIOS: Readonly<Record<string, Readonly<Record<string, number>> | undefined>> = {
  unary: { 0: 2_000 },
  crowd: { 0: 2_000 },
  large: { 0: 6 },
  'too-large': { 8: 4 },
  statuses: Object.fromEntries(Array.from({ length: 16 }, (_, i) => [i + 1, 50])),
  deadlines: undefined,
  cancels: { 1: 400 },
  hangup: { 1: 80 },
  health: { 0: 100, 5: 50 },
  streams: { 0: 180, 9: 60 },
  'stream-cancels': { 1: 100 },
  stalled: { 0: 308 },
  idle: { 0: 1 },
  'echo-soak': undefined,
};
const MIB = 1024 * 1024;

t.setTimeout(300_000); // of it two minutes for the first compilation

for (const kind of KINDS) {
  t.test(`${kind}: beside a live-store, and before it beside a querier`, async (t) => {
    const [interop, program] = [await goProgram(t, 'interop'), sidecarProgram(t, kind)];
    if (interop === undefined || program === undefined) return;
    const servers = [await startServer(t, interop), await startServer(t, interop)];
    const inbound = await Promise.all(servers.map((server) => startInbound(t, program, server)));
    const [first, second] = inbound as [Sidecar, Sidecar];
    const scenarios = Object.keys(SCENARIOS);
    await t.test('inbound', (t) => findsNothing(t, { interop, target: first.address, servers, scenarios, seed: 1 }));
    const egress = await startEgress(t, program, [first.address, second.address]);
    const options = { interop, target: egress.address, authority: first.address, servers, scenarios, seed: 2 };
    await t.test('egress', (t) => findsNothing(t, options));
  });

  t.test(`${kind}: a live-store that sends GOAWAY again and again`, async (t) => {
    const [interop, program] = [await goProgram(t, 'interop'), sidecarProgram(t, kind)];
    if (interop === undefined || program === undefined) return;
    const server = await startServer(t, interop, ['--max-connection-age', '200ms']);
    const inbound = await startInbound(t, program, server);
    const options = { interop, target: inbound.address, servers: [server], scenarios: ['goaway'], seed: 1 };
    const [found] = await findsNothing(t, options);
    t.same(found?.byStatus, { 0: 1_500 });
    t.ok((found?.connections ?? 0) >= 4, `the server sent it on ${found?.connections} connections`);
  });
}

// Not with Envoy: SIGTERM ends it at once, and streams that nobody reads fill the window of its connection to the live-store.
t.test('ringway: what nobody reads is not kept', async (t) => {
  const [interop, program] = [await goProgram(t, 'interop'), sidecarProgram(t, 'ringway')];
  if (interop === undefined || program === undefined) return;
  const server = await startServer(t, interop);
  const inbound = await startInbound(t, program, server);
  const of = (name: string, seed: number): Promise<Finding[]> =>
    findsNothing(t, { interop, target: inbound.address, servers: [server], scenarios: [name], seed });
  await of('streams', 1);
  const before = memoryPeak(inbound.pid);
  await of('unread', 2);
  const unread = memoryPeak(inbound.pid);
  t.ok(unread - before < 96 * MIB, `of some 384 MiB it kept ${inMib(unread - before)}`);
  await of('large', 3);
  const large = memoryPeak(inbound.pid);
  t.ok(large - unread < 64 * MIB, `three calls at a time of 32 MiB took ${inMib(large - unread)} more`);
});

t.test('ringway: a sidecar that is asked to end finishes what it has begun', async (t) => {
  const [interop, program] = [await goProgram(t, 'interop'), sidecarProgram(t, 'ringway')];
  if (interop === undefined || program === undefined) return;
  const server = await startServer(t, interop);
  const inbound = await startInbound(t, program, server);
  const options = { interop, target: inbound.address, pid: inbound.pid, servers: [server], scenarios: ['drain'], seed: 1 };
  await findsNothing(t, options);
  await t.rejects(inbound.gone, { message: 'inbound: exit 0: ' });
});

t.test('ringway: a sidecar beside a live-store that ends costs no call', async (t) => {
  const [interop, program] = [await goProgram(t, 'interop'), sidecarProgram(t, 'ringway')];
  if (interop === undefined || program === undefined) return;
  const servers = [await startServer(t, interop), await startServer(t, interop)];
  const inbound = await Promise.all(servers.map((server) => startInbound(t, program, server)));
  const [first, second] = inbound as [Sidecar, Sidecar];
  const { address: target } = await startEgress(t, program, [first.address, second.address]);
  const options = { interop, target, authority: first.address, servers, pid: first.pid, scenarios: ['departure'], seed: 1 };
  const [found] = await findsNothing(t, options);
  t.same(found?.byStatus, { 0: 1_500 });
  await t.rejects(first.gone, { message: 'inbound: exit 0: ' });
});

/** Runs the scenarios and asserts that nothing was wrong. */
async function findsNothing(t: Test, options: GoClientOptions): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const found of runGoClient(options)) {
    const { name, byStatus, wrong, bad, ms } = found;
    findings.push(found);
    t.same({ wrong, bad, byStatus }, { wrong: 0, bad: [], byStatus: SCENARIOS[name] ?? byStatus }, name);
    t.comment(`${name}: ${ms} ms, by status ${JSON.stringify(byStatus)}`);
  }
  return findings;
}

/** Bytes of memory that a process ever held; outside Linux, those that it holds now. */
function memoryPeak(pid: number): number {
  try {
    return 1024 * Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmHWM:\s+(\d+) kB/m)?.[1]);
  } catch {
    return 1024 * Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }));
  }
}

function inMib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}
