// Brings what a task needs up to date: each step knows what it was made from (a hash) and runs only when that changed.
import { bundleStep } from './bundle.mjs';
import { generateStep } from './generate.mjs';
import { nodeStep } from './node.mjs';
import { packagesStep } from './packages.mjs';
import { clearStamp, readStamp, writeStamp } from './stamp.mjs';
import { tapStep } from './tap.mjs';

const STEPS = { packages: packagesStep, node: nodeStep, generate: generateStep, bundle: bundleStep, tap: tapStep };

/** Runs the named steps in order; a name ending in `!` runs even when nothing changed. Throws with what to do next. */
export async function prepare(names) {
  for (const name of names) {
    const forced = name.endsWith('!');
    const step = STEPS[forced ? name.slice(0, -1) : name];
    const made = step.madeFrom();
    if (made === null || (!forced && readStamp(step.name) === made)) continue;
    const started = Date.now();
    process.stderr.write(`ringway: ${step.title} ... `);
    clearStamp(step.name);
    try {
      await step.run();
    } catch (error) {
      process.stderr.write('failed\n');
      throw new Error(`${step.title} failed: ${error.message}\n  what to do: ${step.help}`);
    }
    writeStamp(step.name, step.madeFrom() ?? made);
    process.stderr.write(`${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  }
}
