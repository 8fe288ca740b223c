import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { readDocument, readValue } from './document.ts';
import { unreadable } from './errors.ts';
import { configSchema } from './schema.ts';
import type { RingConfig, RingwayConfig } from './types.ts';

/** Reads a file into text. Throws RingwayError `CONFIG_FILE` that names the file and says why not. */
export async function readTextFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** Reads ringway.yaml. Throws ConfigError with all that is wrong in it, or RingwayError `CONFIG_FILE`. */
export async function loadConfig(file: string): Promise<RingwayConfig> {
  return parseConfig(file, await readTextFile(file));
}

/** The text of `file` as configuration; names of files in it are relative to it. Throws ConfigError. */
export function parseConfig(file: string, text: string): RingwayConfig {
  return withAbsoluteFiles(readDocument({ file, text }, configSchema), dirname(resolve(file)));
}

/**
 * Configuration without a file: `value` is what the file would hold, `{}` gives all defaults. `name` stands for the file in errors
 * (`--tempo`); names of files are relative to the working directory. Throws ConfigError.
 */
export function createConfig(name: string, value: unknown): RingwayConfig {
  return withAbsoluteFiles(readValue(name, value, configSchema), resolve('.'));
}

function withAbsoluteFiles(config: RingwayConfig, directory: string): RingwayConfig {
  const absolute = (ring: RingConfig): RingConfig => ({
    ...ring,
    sources: ring.sources.map((source) => (source.kind === 'static' ? { ...source, file: resolve(directory, source.file) } : source)),
  });
  return { ...config, rings: new Map([...config.rings].map(([name, ring]) => [name, absolute(ring)])) };
}
