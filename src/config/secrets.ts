import { readFile } from 'node:fs/promises';
import { RingwayError } from '../core/index.ts';
import { unreadable } from './errors.ts';
import type { SecretRef } from './types.ts';

/** Reads a secret where it is, anew each time, so that it can be replaced. Rejects with RingwayError `SECRET`; never tells the secret. */
export type SecretReader = (ref: SecretRef) => Promise<string>;

/** `environment` is the process's. White space at the ends of a file does not belong to the secret. */
export function createSecretReader(environment: Readonly<Record<string, string | undefined>>): SecretReader {
  return async (ref) => {
    const text = ref.kind === 'env' ? environment[ref.name] : await readSecretFile(ref.file);
    if (text !== undefined && text !== '') return text;
    const where = ref.kind === 'env' ? `environment variable ${ref.name}` : ref.file;
    throw new RingwayError(`${where}: there is no secret in it`, { code: 'SECRET' });
  };
}

async function readSecretFile(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new RingwayError(unreadable(file, error).message, { code: 'SECRET', cause: error });
  }
}
