// h2spec and gRPC's interop cases against our sidecar, counted: npm run conformance [-- --write]
// --write keeps the result in bench/results/conformance.json.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildGoProgram } from '../support/go.ts';
import { startEchoServer } from '../support/http2-echo.ts';
import { GRPC_CASES, runGrpcCase, type Security, startGrpcInstallation } from './grpc-cases.ts';
import { FAILING_H2SPEC, runH2spec } from './h2spec.ts';
import { ringwayProgram, startInbound } from './installation.ts';
import { CommandScope } from './scope.ts';

const RESULT = join(import.meta.dirname, '../../bench/results/conformance.json');
const MODULES = join(import.meta.dirname, 'go/go.mod');

interface Count {
  readonly suite: string;
  readonly peer: string;
  readonly passed: number;
  readonly of: number;
  /** Cases that failed, with the reason where one is known. */
  readonly failed: Readonly<Record<string, string>>;
}

const scope = new CommandScope();
try {
  const counts = [await h2spec(), await grpc('plaintext'), await grpc('tls')];
  for (const { suite, peer, passed, of, failed } of counts) {
    console.log(`conformance: ${suite} (${peer}): ${passed} of ${of}`);
    for (const [name, reason] of Object.entries(failed)) console.log(`  ${name}: ${reason}`);
  }
  const result = { command: 'npm run conformance -- --write', date: new Date().toISOString().slice(0, 10), node: process.version, counts };
  if (process.argv.includes('--write')) writeFileSync(RESULT, `${JSON.stringify(result, null, 2)}\n`);
} finally {
  await scope.end();
}

async function h2spec(): Promise<Count> {
  const server = await startEchoServer();
  scope.teardown(() => server.close());
  const { address } = await startInbound(scope, ringwayProgram(), { host: '127.0.0.1', port: server.port });
  const { results } = await runH2spec(scope, await buildGoProgram('h2spec'), address);
  const failing = [...results].flatMap(([id, isPassed]) => (isPassed ? [] : [id]));
  const failed = Object.fromEntries(failing.map((id) => [id, FAILING_H2SPEC[id] ?? 'unexpected']));
  if (Object.values(failed).includes('unexpected')) process.exitCode = 1;
  return {
    suite: 'h2spec',
    peer: versionOf('github.com/summerwind/h2spec'),
    passed: results.size - failing.length,
    of: results.size,
    failed,
  };
}

async function grpc(security: Security): Promise<Count> {
  const client = await buildGoProgram('grpc-client');
  const installation = await startGrpcInstallation(scope, await buildGoProgram('grpc-server'), ringwayProgram(), security);
  const failed: Record<string, string> = {};
  for (const name of GRPC_CASES) {
    const words = await runGrpcCase(client, name, installation);
    if (words !== undefined) failed[name] = words.trim();
  }
  const failures = Object.keys(failed).length;
  if (failures > 0) process.exitCode = 1;
  const suite = `gRPC interop, ${security === 'tls' ? 'TLS on both sides' : 'plaintext'}`;
  return { suite, peer: versionOf('google.golang.org/grpc'), passed: GRPC_CASES.length - failures, of: GRPC_CASES.length, failed };
}

/** As go.mod has it. */
function versionOf(module: string): string {
  const line = readFileSync(MODULES, 'utf8').match(new RegExp(`^\\s*(${module}) (v\\S+)`, 'm'));
  return `${line?.[1]} ${line?.[2]}`;
}
