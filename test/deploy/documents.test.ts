// What people copy from guides and comments: the commands are there, and know the flags that they are given.
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { bootstrapCommand } from '../../src/cli/bootstrap.ts';
import { callCommand } from '../../src/cli/call.ts';
import type { Command } from '../../src/cli/command.ts';
import { controlCommand } from '../../src/cli/control.ts';
import { ringCommand } from '../../src/cli/ring.ts';
import { sidecarCommand } from '../../src/cli/sidecar.ts';
import { upCommand } from '../../src/cli/up.ts';

const COMMANDS: Readonly<Record<string, Command>> = {
  bootstrap: bootstrapCommand,
  call: callCommand,
  control: controlCommand,
  ring: ringCommand,
  sidecar: sidecarCommand,
  up: upCommand,
};
const TEXTS = ['README.md', 'SECURITY.md', ...globSync(['docs/guide/**/*.md', 'deploy/**/*.{md,mjs,yaml}', 'examples/**/*.md'])];

/** Lines that begin with it and pieces of code that do, up to a comment, a pipe, or the end of the code; broken lines joined. */
function invocations(start: string): string[] {
  const found = TEXTS.flatMap((file) => [
    ...readFileSync(file, 'utf8')
      .replaceAll(/\\\n\s*/g, '')
      .matchAll(new RegExp(`(?:^[# ]*|[\`|] *)${start} ([^\\n\`|\\\\]*)`, 'gm')),
  ]);
  return found.map(([, words = '']) => words.replace(/\s+#.*$/, '').trim());
}

t.test('every flag of ours is known to its command', async (t) => {
  const lines = invocations('(?:ringway|rw|kubectl -n tempo exec \\S+ -c ringway -- \\S+ \\S+)');
  let flags = 0;
  for (const line of lines) {
    const [name = '', ...words] = line.split(/\s+/);
    const command = COMMANDS[name];
    if (command === undefined) continue;
    for (const flag of words.flatMap((word) => /^--?[a-z-]+/i.exec(word)?.[0] ?? [])) {
      flags += 1;
      t.match(command.help(), new RegExp(`(^|[\\s,])${flag}\\b`, 'm'), `ringway ${line}: ${flag}`);
    }
  }
  t.ok(flags > 30, `${flags} were found`);
});

t.test('every login is made as it is written', async (t) => {
  const lines = invocations('node deploy/nats/make-accounts.mjs').filter((line) => line !== '--help' && line !== '');
  t.ok(lines.length > 3, `${lines.length} were found`);
  for (const line of lines) {
    const folder = join(t.testdir(), 'nats');
    const words = execFileSync('bash', ['-c', `echo ${line.replace(/<.*>/, 'live-store-0')}`], { encoding: 'utf8' })
      .trim()
      .split(' ');
    const moved = words.map((word, i) => (words[i - 1] === '--out' ? folder : word));
    const made = execFileSync(process.execPath, ['deploy/nats/make-accounts.mjs', ...moved], { input: '', encoding: 'utf8' });
    t.equal(words.includes('--out') ? '' : 'kind: Secret', /kind: Secret/.exec(made)?.[0] ?? '', line);
  }
});
