// `npm test`: the static checks, then the tests; ends with one line `N passed, N failed, N skipped`.
// Options: --only tests|checks; anything else goes to tap (file names, -t seconds, --grep).
import { spawn } from 'node:child_process';
import { createReadStream, mkdirSync, rmSync } from 'node:fs';
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

console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);

/** One static check: quiet when it passes, its whole output when it does not. */
async function check(name, command) {
  const started = Date.now();
  const { code, output } = await run(command, 'pipe');
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`${code === 0 ? 'ok' : 'not ok'} - ${name} (${seconds} s)`);
  if (code === 0) counts.passed += 1;
  else {
    counts.failed += 1;
    console.log(output.trimEnd());
  }
}

/** All test files through tap; counts are of leaf assertions, read from tap's own record. */
async function tests(extra) {
  const record = 'node_modules/.cache/ringway/tests.tap';
  mkdirSync('node_modules/.cache/ringway', { recursive: true });
  rmSync(record, { force: true });
  const { code } = await run(
    ['node_modules/tap/dist/esm/run.mjs', 'run', '--reporter=terse', '--jobs=2', `--output-file=${record}`, ...extra],
    'inherit',
  );
  const before = counts.failed;
  await new Promise((resolve, reject) => {
    const parser = new Parser(() => resolve());
    watch(parser);
    createReadStream(record).on('error', reject).pipe(parser);
  });
  if (code !== 0 && counts.failed === before) counts.failed += 1; // a file that died without saying so
}

function watch(parser) {
  let children = 0;
  parser.on('child', (child) => {
    children += 1;
    watch(child);
  });
  parser.on('assert', (result) => {
    if (result.skip || result.todo) {
      counts.skipped += 1;
      console.log(`# skipped: ${result.fullname}: ${result.skip === true ? '' : result.skip || result.todo}`);
    } else if (children > 0) {
      children -= 1; // this point sums up a subtest that was counted point by point
      if (!result.ok && result.diag?.exitCode) counts.failed += 1;
    } else if (result.ok) counts.passed += 1;
    else counts.failed += 1;
  });
}

function run(command, stdio) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, command, { stdio: ['ignore', stdio, stdio] });
    let output = '';
    const keep = (chunk) => {
      output += chunk;
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('exit', (code) => resolve({ code: code ?? 1, output }));
  });
}
