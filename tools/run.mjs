// The one entry of every npm script. Plain JavaScript that Node 20 can run: it prepares what the task needs
// (packages, a Node 24, generated code, the built program) and then runs the task on that Node.
import { spawn } from 'node:child_process';
import { prepare } from './prepare/index.mjs';
import { runningNode } from './prepare/node.mjs';

const major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  console.error(
    `ringway: Node ${process.versions.node} is too old to run npm scripts here; install Node 20 or newer (https://nodejs.org) and run the command again`,
  );
  process.exit(1);
}

/** What each npm script needs before it runs, and the commands it is. `{args}` is what the user typed after `--`. */
const TASKS = {
  start: { needs: ['packages', 'node', 'generate', 'bundle'], run: [['node', 'dist/bin/ringway.js', 'up', '{args}']] },
  test: { needs: ['packages', 'node', 'generate', 'bundle', 'tap'], run: [['node', 'tools/test.mjs', '{args}']] },
  unit: { needs: ['packages', 'node', 'generate', 'tap'], run: [['node', 'tools/test.mjs', '--only', 'tests', '{args}']] },
  build: {
    needs: ['packages', 'node', 'generate', 'bundle!'],
    run: [['node', 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']],
  },
  generate: { needs: ['packages', 'node', 'generate!'], run: [] },
  format: { needs: ['packages', 'node'], run: [['node', 'node_modules/@biomejs/biome/bin/biome', 'check', '--write', '.', '{args}']] },
  lint: {
    needs: ['packages', 'node'],
    run: [['node', 'node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.', '{args}']],
  },
  types: { needs: ['packages', 'node', 'generate'], run: [['node', 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '{args}']] },
  layers: {
    needs: ['packages', 'node', 'generate'],
    run: [['node', 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs', '--output-type', 'err', 'src', '{args}']],
  },
  reference: { needs: ['packages', 'node', 'generate'], run: [['node', 'tools/reference/main.ts']] },
  'bench:membership': { needs: ['packages', 'node', 'generate'], run: [['node', 'bench/membership/merge.bench.ts', '{args}']] },
  'bench:egress': { needs: ['packages', 'node', 'generate', 'bundle'], run: [['node', 'bench/egress/egress.bench.ts', '{args}']] },
  'bench:engine': { needs: ['packages', 'node', 'generate', 'bundle'], run: [['node', 'bench/engine/engine.bench.ts', '{args}']] },
  'bench:footprint': { needs: ['packages', 'node', 'generate', 'bundle'], run: [['node', 'bench/footprint/footprint.bench.ts', '{args}']] },
  'bench:guard': { needs: ['packages', 'node', 'generate', 'bundle'], run: [['node', 'bench/engine/guard.bench.ts', '{args}']] },
  unused: { needs: ['packages', 'node', 'generate'], run: [['node', 'node_modules/knip/bin/knip.js', '{args}']] },
  fuzz: { needs: ['packages', 'node', 'generate'], run: [['node', 'test/fuzz/main.ts', '{args}']] },
  soak: { needs: ['packages', 'node', 'generate', 'bundle'], run: [['node', 'test/interop/soak.ts', '{args}']] },
  conformance: { needs: ['packages', 'node', 'generate', 'bundle'], run: [['node', 'test/interop/conformance.ts', '{args}']] },
  tarball: {
    needs: ['packages', 'node', 'generate'],
    run: [
      ['node', 'tools/bundle.mjs', 'dist/bin/ringway.js', '--only'],
      ['node', 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
      ['npm', 'pack', '{args}'],
    ],
  },
};

const [task = '', ...args] = process.argv.slice(2);
const plan = TASKS[task];
if (!plan) {
  console.error(`ringway: no task "${task}"; allowed: ${Object.keys(TASKS).join(', ')}`);
  process.exit(64);
}

try {
  await prepare(plan.needs);
} catch (error) {
  console.error(`\nringway: ${error.message}`);
  process.exit(1);
}

const node = runningNode();
for (const command of plan.run) {
  const code = await run(command.flatMap((word) => (word === '{args}' ? args : [word])));
  if (code !== 0) process.exit(code);
}

/** Runs one command with the project's Node first on PATH; resolves with its exit code. Signals go to the child, which decides. */
function run([program, ...rest]) {
  return new Promise((resolve) => {
    const child = spawn(program === 'node' ? node.path : program, rest, { stdio: 'inherit', env: node.env });
    const forward = (signal) => child.kill(signal);
    const onInterrupt = () => {}; // the terminal sends SIGINT to the whole group: the child already has it
    process.on('SIGINT', onInterrupt);
    process.on('SIGTERM', forward);
    child.on('error', (error) => {
      console.error(`ringway: ${program}: ${error.message}`);
      resolve(1);
    });
    child.on('exit', (code, signal) => {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', forward);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}
