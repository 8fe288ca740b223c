// npm packages, exactly as locked. No install script runs: none of ours is needed to work.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { command } from './command.mjs';
import { root } from './root.mjs';
import { hashOf } from './stamp.mjs';

export const packagesStep = {
  name: 'packages',
  title: 'installing npm packages (about half a minute)',
  help: 'check that npm can reach its registry (`npm ping`), then run the command again; behind a proxy set `npm config set proxy` or `registry`',
  madeFrom: () => `${existsSync(join(root, 'node_modules')) ? '' : 'absent '}${hashOf(['package.json', 'package-lock.json'])}`,
  run: () => command('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']),
};
