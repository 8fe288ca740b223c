import { readFile } from 'node:fs/promises';
import { codeOf, messageOf, RingwayError } from '../core/index.ts';

/** PEM texts. */
export interface TlsMaterial {
  /** Certificate chain, leaf first, and its private key: both or neither. */
  readonly certificate?: string;
  readonly privateKey?: string;
  /** Authorities that the peer's certificate must lead to; the system's for clients unless given. */
  readonly trustedCa?: string;
}

export interface TlsFiles {
  readonly certificate?: string;
  readonly privateKey?: string;
  readonly trustedCa?: string;
}

/** Reads the named files. Rejects with RingwayError TLS_FILE that names the one at fault. */
export async function readTlsFiles(files: TlsFiles): Promise<TlsMaterial> {
  const entries = Object.entries(files) as [keyof TlsFiles, string | undefined][];
  const texts = await Promise.all(
    entries.map(async ([kind, path]) => [kind, path === undefined ? undefined : await readPem(path)] as const),
  );
  return Object.fromEntries(texts.filter(([, text]) => text !== undefined));
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new RingwayError(`cannot read ${path}: ${messageOf(error)} (${codeOf(error) ?? 'no code'})`, { code: 'TLS_FILE', cause: error });
  }
}
