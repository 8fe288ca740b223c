import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { findPeer, peer, peerHint } from './peers.ts';

const CACHE = resolve('.ci/cache/go-programs');

/**
 * Programs of the Go modules of test/interop and bench/engine: our own, and the tools that a go.mod names. Versions stand there and in
 * go.sum. dskit has a module of its own, since it replaces one of its dependencies.
 */
const PROGRAMS = {
  interop: { module: 'test/interop/go', path: '.' },
  h2spec: { module: 'test/interop/go', path: 'github.com/summerwind/h2spec/cmd/h2spec' },
  'grpc-client': { module: 'test/interop/go', path: 'google.golang.org/grpc/interop/client' },
  'grpc-server': { module: 'test/interop/go', path: 'google.golang.org/grpc/interop/server' },
  dskit: { module: 'test/interop/dskit', path: '.' },
  engine: { module: 'bench/engine/go', path: '.' },
} as const;

type ProgramName = keyof typeof PROGRAMS;

/**
 * The path of a Go program; built when the module or the compiler is another than last time (20 to 60 s, and the network for modules that
 * this machine has not seen). When there is no Go, or it cannot build, the test is skipped with a line that says why, or fails with
 * RINGWAY_REQUIRE_PEERS=1, and undefined comes back: return then.
 */
export async function goProgram(t: Test, name: ProgramName): Promise<string | undefined> {
  const go = peer(t, 'go');
  if (go === undefined) return undefined;
  try {
    return await build(go, name);
  } catch (error) {
    const reason = `${go} cannot build ${name}: ${firstLine(error)}`;
    if (process.env['RINGWAY_REQUIRE_PEERS']) t.fail(reason);
    else t.plan(0, reason);
    return undefined;
  }
}

/** The same without a test: throws with a line that says why there is none. */
export function buildGoProgram(name: ProgramName): Promise<string> {
  const go = findPeer('go');
  if (go === undefined) throw new Error(peerHint('go'));
  return build(go, name).catch((error: unknown) => {
    throw new Error(`${go} cannot build ${name}: ${firstLine(error)}`);
  });
}

async function build(go: string, name: ProgramName): Promise<string> {
  // The machine's own compiler or none: nothing is to be downloaded behind anyone's back but the modules of go.sum.
  const { module, path } = PROGRAMS[name];
  const folder = resolve(module);
  const options = { cwd: folder, env: { ...process.env, GOTOOLCHAIN: 'local' } };
  const { stdout: version } = await promisify(execFile)(go, ['version'], options);
  const built = join(CACHE, hashOfModule(folder, version));
  const program = join(built, name);
  if (existsSync(program)) return program;
  await mkdir(built, { recursive: true });
  const unfinished = `${program}.${process.pid}`;
  await promisify(execFile)(go, ['build', '-mod=readonly', '-buildvcs=false', '-o', unfinished, path], options);
  await rename(unfinished, program); // another test may have built it meanwhile: either is good
  return program;
}

function hashOfModule(folder: string, version: string): string {
  const hash = createHash('sha256').update(version);
  for (const file of readdirSync(folder).sort())
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(folder, file)))
      .update('\0');
  return hash.digest('hex').slice(0, 16);
}

function firstLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  const lines = (stderr || message).trim().split('\n');
  return lines.find((line) => !line.startsWith('go: downloading ')) ?? '';
}
