import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { root } from './paths.ts';

/** Runs a program of node_modules/.bin in the project's folder; rejects with what it printed. */
export function run(program: string, args: readonly string[]): Promise<void> {
  const bin = join(root, 'node_modules', '.bin');
  const { PATH = '' } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(join(bin, program), args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: [bin, PATH].join(delimiter) },
    });
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ${args.join(' ')} exited with ${code}\n${output}`))));
  });
}
