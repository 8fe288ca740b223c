// A querier's calls while a live-store dies, hangs, lags or is slow: Envoy and ours with the same bootstrap, in turn.
// npm run bench:egress -- --help
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { ProxyKind } from '../../test/support/egress-recipe.ts';
import { findPeer, peerHint } from '../../test/support/peers.ts';
import { complaints, type Results, resultOf, table, writeResults } from './report.ts';
import { type Sample, SCENARIOS } from './scenarios.ts';

const HELP = `What a querier notices while a live-store dies, hangs, lags or is slow: Envoy's egress and Ringway's, in turn.

usage: npm run bench:egress -- [options]

  --rounds N   rounds of each scenario, each proxy in each (3)
  --rate N     calls a second (500)
  --write      writes bench/results/egress.json and docs/reference/egress-bench.md

Needs Go, and Envoy on PATH or named by RINGWAY_ENVOY. Fails when one of Ringway's calls failed, when its
p99 beside a stopped live-store is later than Envoy's, or when it throws out or asks whom it should not.

examples:
  npm run bench:egress -- --rounds 1
  npm run bench:egress -- --rounds 6 --write
`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '500' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const rounds = Number(values.rounds);
const ratePerSecond = Number(values.rate);
if (findPeer('envoy') === undefined) {
  console.error(`bench:egress: ${peerHint('envoy')}`);
  process.exit(1);
}

process.env['RINGWAY_PROGRAM'] ??= 'dist/bin/ringway.js'; // what users run, not the sources
const samples: Sample[] = [];
for (const scenario of SCENARIOS) {
  for (let round = 0; round < rounds; round += 1) {
    const order: readonly ProxyKind[] = round % 2 === 0 ? ['envoy', 'ringway'] : ['ringway', 'envoy'];
    for (const kind of order) {
      const sample = { scenario: scenario.name, kind, ...(await scenario.run(kind, ratePerSecond)) };
      samples.push(sample);
      console.log(JSON.stringify(sample));
    }
  }
}
const results: Results = {
  machine: { cpu: cpus()[0]?.model ?? '', cores: cpus().length, node: process.version, date: new Date().toISOString().slice(0, 10) },
  ratePerSecond,
  rounds,
  scenarios: SCENARIOS.map(({ name, what }) => ({ name, what, ...resultOf(samples.filter(({ scenario }) => scenario === name)) })),
};
console.log(`\n${table(results)}`);
if (values.write) for (const file of writeResults(results)) console.log(`wrote ${file}`);
const wrong = complaints(results);
for (const line of wrong) console.error(`bench:egress: ${line}`);
process.exit(wrong.length === 0 ? 0 : 1);
