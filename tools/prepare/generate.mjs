// Code generated from .proto files: src/gen.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { command } from './command.mjs';
import { runningNode } from './node.mjs';
import { root } from './root.mjs';
import { hashOf } from './stamp.mjs';

export const generateStep = {
  name: 'generate',
  title: 'generating code from .proto files',
  help: 'run `npm run generate` to see the whole error; `rm -rf node_modules && npm ci` if a package is damaged',
  madeFrom: () =>
    `${existsSync(join(root, 'src', 'gen')) ? '' : 'absent '}${hashOf(['proto', 'tools/generate', 'buf.yaml', 'package-lock.json'])}`,
  run() {
    const node = runningNode();
    return command(node.path, ['tools/generate/main.ts'], { env: node.env });
  },
};
