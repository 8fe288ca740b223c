// Echo calls of up to 4 MiB through real sidecars, grpc-go on both ends: npm run soak -- [--calls 10000] [--seed 1] [--write]
// One way: client, sidecar beside the live-store, live-store. The other: client, egress sidecar, inbound sidecar, live-store.
// --write keeps the result in bench/results/echo-soak.json.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildGoProgram } from '../support/go.ts';
import { type Finding, runGoClient } from './go-client.ts';
import { ringwayProgram, startEgress, startInbound, startServer } from './installation.ts';
import { CommandScope } from './scope.ts';

const RESULT = join(import.meta.dirname, '../../bench/results/echo-soak.json');

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
  },
});
const [calls, seed] = [Number(values.calls), Number(values.seed)];
const scope = new CommandScope();
try {
  await soak(await buildGoProgram('interop'));
} finally {
  await scope.end();
}

async function soak(interop: string): Promise<void> {
  const servers = [await startServer(scope, interop), await startServer(scope, interop)];
  const inbound = await Promise.all(servers.map((server) => startInbound(scope, ringwayProgram(), server)));
  const addresses = inbound.map(({ address }) => address);
  const egress = await startEgress(scope, ringwayProgram(), addresses);
  const common = { interop, servers, scenarios: ['echo-soak'], calls };
  const ways = [
    { way: 'inbound', target: addresses[0]!, seed },
    { way: 'egress and inbound', target: egress.address, authority: addresses[0]!, seed: seed + 1 },
  ];
  const results: object[] = [];
  for (const { way, ...options } of ways) for await (const found of runGoClient({ ...common, ...options })) results.push(said(way, found));
  if (!values.write) return;
  const command = `npm run soak -- --calls ${calls} --seed ${seed} --write`;
  writeFileSync(
    RESULT,
    `${JSON.stringify({ command, date: new Date().toISOString().slice(0, 10), node: process.version, results }, null, 2)}\n`,
  );
}

function said(way: string, { calls, byStatus, wrong, bad, bytes = 0, ms }: Finding): object {
  console.log(`soak: ${way}: ${calls} calls in ${(ms / 1000).toFixed(0)} s, ${(bytes / 1e9).toFixed(2)} GB came back whole, ${wrong} bad`);
  for (const line of bad) console.log(`  ${line}`);
  if (wrong > 0) process.exitCode = 1;
  return { way, calls, byStatus, wrong, bytes, ms };
}
