// `npm test`: the static checks, the tests, and whether requests have become dear; ends with one line `N passed, N failed, N skipped`.
// Options: --only tests|checks; anything else goes to tap (file names, -t seconds, --grep).
import { spawn } from 'node:child_process';
import { Parser } from 'tap-parser';

const CHECKS = [
  ['types', ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']],
  ['lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '--max-diagnostics=40', '.']],
  ['layers', ['node_modules/dependency-cruiser/bin/dependency-cruise.mjs', '--output-type', 'err', 'src']],
  ['unused', ['node_modules/knip/bin/knip.js']],
];

const args = process.argv.slice(2);
const onlyAt = args.indexOf('--only');
const only = onlyAt >= 0 ? args.splice(onlyAt, 2)[1] : undefined;
const counts = { passed: 0, failed: 0, skipped: 0 };

if (only !== 'tests') for (const [name, command] of CHECKS) await check(name, command);
if (only !== 'checks') await tests(args);
if (only === undefined && args.length === 0) await guard();

console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);

/** One static check: quiet when it passes, its whole output when it does not. */
async function check(name, command) {
  const started = Date.now();
  let output = '';
  const code = await run(command, (chunk) => {
    output += chunk;
  });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`${code === 0 ? 'ok' : 'not ok'} - ${name} (${seconds} s)`);
  counts[code === 0 ? 'passed' : 'failed'] += 1;
  if (code !== 0) console.log(output.trimEnd());
}

/** All test files through tap: a line a file as it ends, whole diagnostics of what fails. Counts are of leaf assertions. */
async function tests(extra) {
  const failedBefore = counts.failed;
  const parser = new Parser();
  watch(parser, 0);
  const code = await run(['node_modules/tap/dist/esm/run.mjs', 'run', '--reporter=tap', '--jobs=2', ...extra], (chunk, isError) => {
    if (isError) process.stderr.write(chunk);
    else parser.write(chunk);
  });
  parser.end();
  if (code !== 0 && counts.failed === failedBefore) counts.failed += 1; // a file that died without a failing point
}

/** What a request costs beside a bare pipe, when nothing else runs any more. */
async function guard() {
  let output = '';
  const code = await run(['bench/engine/guard.bench.ts'], (chunk) => {
    output += chunk;
  });
  const lastLine = output.trimEnd().split('\n').at(-1);
  if (code === 77) skipped({ fullname: 'bench:guard', skip: lastLine });
  else counts[code === 0 ? 'passed' : 'failed'] += 1;
  if (code !== 77) console.log(`${code === 0 ? 'ok' : 'not ok'} - bench:guard: ${code === 0 ? lastLine : output}`);
}

function watch(parser, depth) {
  let subtests = 0;
  let failedBefore = 0;
  parser.on('child', (child) => {
    subtests += 1;
    failedBefore = counts.failed;
    watch(child, depth + 1);
  });
  parser.on('assert', (result) => {
    const sumsUp = subtests > 0 && !result.skip && !result.todo;
    if (depth === 0)
      console.log(`${result.ok ? 'ok' : 'not ok'} - ${result.name}${result.time ? ` (${(result.time / 1000).toFixed(1)} s)` : ''}`);
    if (result.skip || result.todo) skipped(result);
    else if (sumsUp) {
      subtests -= 1; // this point only sums up points that were counted one by one
      if (!result.ok && counts.failed === failedBefore) report(result); // a file that timed out or died
    } else if (result.ok) counts.passed += 1;
    else report(result);
  });
}

function skipped(result) {
  counts.skipped += 1;
  console.log(`# skipped: ${result.fullname}: ${[result.skip, result.todo].find((reason) => typeof reason === 'string') ?? ''}`);
}

function report(result) {
  counts.failed += 1;
  console.log(`not ok: ${result.fullname}`);
  if (result.diag) console.log(JSON.stringify(result.diag, null, 2).replace(/^/gm, '    '));
}

/** Runs a command with this Node; `onOutput` gets its chunks and whether they came on stderr. Resolves with the exit code. */
function run(command, onOutput) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.setEncoding('utf8').on('data', (chunk) => onOutput(chunk, false));
    child.stderr.setEncoding('utf8').on('data', (chunk) => onOutput(chunk, true));
    child.on('close', (code) => resolve(code ?? 1));
  });
}
