// The program as it is shipped: what a sidecar loads, and what it does not.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { transitions } from '../../src/http2/hpack/huffman-code.ts';
import { freePorts } from '../support/ports.ts';

const folder = t.testdir({
  // prints what Node brought in so far, as soon as the sidecar says that it serves
  'spy.cjs': `
    const { write } = process.stderr;
    process.stderr.write = (text, ...rest) => {
      if (String(text).includes('ringway sidecar: ')) setImmediate(() => console.log(JSON.stringify(process.moduleLoadList)));
      return write.call(process.stderr, text, ...rest);
    };
  `,
});
const program = join(folder, 'ringway.js');
execFileSync(process.execPath, ['tools/bundle.mjs', program]);

t.test('a sidecar loads nothing that it does not use', { timeout: 60_000 }, async (t) => {
  const [listen, admin] = await freePorts(2);
  const words = ['sidecar', 'inbound', '--listen', `127.0.0.1:${listen}`, '--admin', `127.0.0.1:${admin}`];
  // without what a test runner has Node load into every child: it sets NODE_OPTIONS as it spawns
  const command = ['-u', 'NODE_OPTIONS', process.execPath, '--require', join(folder, 'spy.cjs'), program, ...words];
  const child = spawn('env', command, { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  const line = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  child.kill('SIGTERM');
  await ended;
  const loaded = new Set((JSON.parse(String(line.value)) as string[]).map((one) => one.replace('NativeModule ', '')));
  t.ok(loaded.has('net') && loaded.has('http'), 'connections and admin pages');
  const heavy = ['crypto', 'tls', 'http2', 'https', 'zlib', 'worker_threads', 'internal/deps/undici/undici', 'internal/crypto/webcrypto'];
  t.strictSame(
    heavy.filter((one) => loaded.has(one)),
    [],
  );
});

t.test('V8 knows every flag that a sidecar sets', { timeout: 60_000 }, async (t) => {
  const { stderr, status } = spawnSync('env', ['-u', 'NODE_OPTIONS', process.execPath, program, 'sidecar', '--help'], { encoding: 'utf8' });
  t.same([status, stderr], [0, '']);
});

t.test('its code is a part of the program', async (t) => {
  const chunks = join(folder, 'chunks');
  const files = readdirSync(chunks).filter((file) => file.endsWith('.mjs'));
  const importsOf = (file: string): string[] =>
    [...readFileSync(join(chunks, file), 'utf8').matchAll(/(?:from|import)"\.\/([\w-]+\.mjs)"/g)].map((match) => match[1] as string);
  const reach = (file: string, seen: Set<string>): Set<string> => {
    if (seen.has(file)) return seen;
    seen.add(file);
    for (const next of importsOf(file)) reach(next, seen);
    return seen;
  };
  const sidecar = reach(files.find((file) => /^sidecar-[A-Z0-9]+\.mjs$/.test(file)) ?? '', new Set());
  const size = [...sidecar].reduce((sum, file) => sum + statSync(join(chunks, file)).size, 0);
  t.ok(size < 1_400_000, `${size} octets`);
  for (const file of sidecar) t.notMatch(readFileSync(join(chunks, file), 'utf8'), /grpc-js|ZodError|jetstream/, file);
});

t.test('what was worked out beforehand is what a start would work out', async (t) => {
  const octets = Buffer.from(transitions.buffer, transitions.byteOffset, transitions.byteLength).toString('base64');
  const chunks = join(folder, 'chunks');
  t.ok(readdirSync(chunks).some((file) => file.endsWith('.mjs') && readFileSync(join(chunks, file), 'utf8').includes(octets)));
});

t.test('chunks of builds before stay for those who run them; a package has none', { timeout: 60_000 }, async (t) => {
  const old = join(folder, 'chunks', 'old-ABCDEFGH.mjs');
  writeFileSync(old, '');
  const chunks = (): string[] => readdirSync(join(folder, 'chunks'));
  execFileSync(process.execPath, ['tools/bundle.mjs', program]);
  t.ok(chunks().includes('old-ABCDEFGH.mjs'));
  execFileSync(process.execPath, ['tools/bundle.mjs', program, '--only']);
  t.notOk(chunks().includes('old-ABCDEFGH.mjs'));
});
