// A Node 24: the one that runs, or, where that is older, one from npm kept in tools/node.
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { command } from './command.mjs';
import { root } from './root.mjs';
import { hashOf } from './stamp.mjs';

const WANTED = 24;
const folder = join(root, 'tools', 'node');
const installed = join(folder, 'node_modules', '.bin', 'node');
const isNewEnough = Number(process.versions.node.split('.')[0]) >= WANTED;

export const nodeStep = {
  name: 'node',
  title: `installing Node ${WANTED} (this one is ${process.versions.node})`,
  help: `install Node ${WANTED} or newer yourself and run the command again`,
  madeFrom: () => (isNewEnough ? null : `${existsSync(installed) ? '' : 'absent '}${hashOf(['tools/node/package-lock.json'])}`),
  async run() {
    await command('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
    if (!existsSync(installed)) throw new Error(`no Node package for ${process.platform} ${process.arch} in tools/node/package.json`);
  },
};

/** The Node that runs tasks, and an environment that has it first on PATH. */
export function runningNode() {
  const path = isNewEnough ? process.execPath : installed;
  const bin = [dirname(path), join(root, 'node_modules', '.bin')];
  return { path, env: { ...process.env, PATH: [...bin, process.env.PATH].join(delimiter) } };
}
