// The test runner's plugin set: .tap, built once from .taprc (tap strips nothing itself: Node runs TypeScript).
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { command } from './command.mjs';
import { runningNode } from './node.mjs';
import { root } from './root.mjs';
import { hashOf } from './stamp.mjs';

export const tapStep = {
  name: 'tap',
  title: 'building the test runner',
  help: 'remove the folder .tap and run the command again',
  madeFrom: () => `${existsSync(join(root, '.tap', 'plugins')) ? '' : 'absent '}${hashOf(['.taprc', 'package-lock.json'])}`,
  run() {
    const node = runningNode();
    return command(node.path, ['node_modules/tap/dist/esm/run.mjs', 'build'], { env: node.env });
  },
};
