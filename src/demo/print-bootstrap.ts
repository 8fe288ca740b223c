import { execFile } from 'node:child_process';
import { RingwayError } from '../core/index.ts';

/** Runs `ringway bootstrap <words> --out file`. Throws RingwayError with its words when it fails. */
export function printBootstrap(program: readonly [string, ...string[]], words: readonly string[], file: string): Promise<void> {
  const [executable, ...before] = program;
  return new Promise((resolve, reject) => {
    execFile(executable, [...before, 'bootstrap', ...words, '--out', file], (error, _stdout, stderr) => {
      if (!error) return resolve();
      reject(new RingwayError(`cannot print a bootstrap: ${stderr.trim() || error.message}`, { code: 'BOOTSTRAP', cause: error }));
    });
  });
}
