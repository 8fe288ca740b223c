// Runs a command of a preparation step quietly: its output is shown only when it fails.
import { spawn } from 'node:child_process';
import { root } from './root.mjs';

/** Resolves when the command exits 0; rejects with the last lines of its output otherwise. */
export function command(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-8000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => reject(new Error(`${program}: ${error.message}`)));
    child.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${[program, ...args].join(' ')} ended with ${signal ?? code}\n${output.trimEnd()}`));
    });
  });
}
