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

/** Keys whose values are names of files, wherever they stand. */
const FILE_KEYS: ReadonlySet<string> = new Set(['file', 'ca', 'certificate', 'privateKey', 'tokenFile', 'caFile']);

function withAbsoluteFiles(config: RingwayConfig, directory: string): RingwayConfig {
  const sourcesOf = ({ sources }: RingConfig): RingConfig['sources'] => sources.map((source) => absolute(source, directory));
  return { ...config, rings: new Map([...config.rings].map(([name, ring]) => [name, { ...ring, sources: sourcesOf(ring) }])) };
}

/** The same value with every name of a file made absolute. */
function absolute<T>(value: T, directory: string): T {
  if (Array.isArray(value)) return value.map((item) => absolute(item, directory)) as T;
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, absolute(item, directory)])) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => {
    return [key, FILE_KEYS.has(key) && typeof item === 'string' ? resolve(directory, item) : absolute(item, directory)];
  });
  return Object.fromEntries(entries) as T;
}
