// `ringway up` as a process, and what it leaves behind.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';
import { assertFree, listenersOf, planInstallation } from '../../src/demo/index.ts';
import { until } from './with-fleet.ts';

/** RINGWAY_PROGRAM: another build of the program. */
export const PROGRAM: string = resolve(process.env['RINGWAY_PROGRAM'] ?? 'dist/bin/ringway.js');

/** A running `up`. */
export interface Up {
  readonly process: ChildProcess;
  readonly lines: string[];
  readonly portOffset: number;
  readonly readyMs: number;
  /** Resolves with the first line, from now on, that matches. */
  line(pattern: RegExp): Promise<string>;
  exit(): Promise<number | null>;
}

let nextOffset = 20_000 + (process.pid % 200) * 50;

/** An offset at which every port is free. */
export async function freeOffset(): Promise<number> {
  for (;;) {
    nextOffset = nextOffset > 44_000 ? 20_000 : nextOffset + 50;
    const offset = nextOffset;
    const isFree = await assertFree(
      listenersOf(planInstallation({ zones: 2, portOffset: offset })).filter(({ address }) => address.port > 0),
    )
      .then(() => true)
      .catch(() => false);
    if (isFree) return offset;
  }
}

/** Resolves when `up` has said `ready`. */
export async function startUp(t: Test, words: readonly string[], offset?: number): Promise<Up> {
  const portOffset = offset ?? (await freeOffset());
  return followUp(t, [PROGRAM, 'up', '--port-offset', String(portOffset), ...words], portOffset);
}

/** The same for a script that runs it. */
export async function followUp(
  t: Test,
  words: readonly string[],
  portOffset: number,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Up> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'], env });
  t.teardown(() => child.kill('SIGTERM'));
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const lines: string[] = [];
  const waiting = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      for (const tell of waiting) tell(line);
    });
  const line = (pattern: RegExp): Promise<string> =>
    new Promise((found, fail) => {
      const tell = (text: string): void => {
        if (!pattern.test(text)) return;
        waiting.delete(tell);
        found(text);
      };
      waiting.add(tell);
      void exited.then((code) => fail(new Error(`up ended with ${code}: ${lines.join('\n')}`)));
    });
  await line(/^ready$/);
  return { process: child, lines, portOffset, readyMs: performance.now() - startedMs, line, exit: () => exited };
}

/** Every port of an installation can be bound again: nobody is left. */
export async function nobodyIsLeft(t: Test, portOffset: number): Promise<void> {
  const listeners = listenersOf(planInstallation({ zones: 2, portOffset }));
  await until(
    () =>
      assertFree(listeners)
        .then(() => true)
        .catch(() => false),
    'every port is free again',
  );
  t.pass('no orphan holds a port');
}

/** Ids of the processes whose command line has all of these words. Linux only, as is the test that needs it. */
export function processesWith(...words: string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words.every((word) => commandLine.includes(word));
      } catch {
        return false;
      }
    })
    .map(Number);
}
