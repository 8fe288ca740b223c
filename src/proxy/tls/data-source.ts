import { codeOf, messageOf } from '../../core/index.ts';
import type { DataSource } from '../../gen/envoy/config/core/v3/base.ts';
import { fieldPath, refuse, refuseOthers } from '../runtime/compile/index.ts';

/** Where certificates and keys come from. */
export interface TlsSources {
  /** Throws as `readFileSync`. */
  readonly readFile: (path: string) => Buffer;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Octets, and where they were found in words that are no secret. */
export interface ReadSource {
  readonly bytes: Buffer;
  readonly origin: string;
}

/** Reads it once: a file that changes later is not read again. Throws CompileError, also for what is empty. */
export function readDataSource(path: string, source: DataSource | undefined, { readFile, environment }: TlsSources): ReadSource {
  const specifier = source?.specifier;
  if (!source || !specifier) return refuse(path, 'is required');
  refuseOthers(path, source, { reads: ['specifier'], harmless: [] });
  const at = fieldPath(path, specifier.$case);
  const found = ((): ReadSource => {
    switch (specifier.$case) {
      case 'filename':
        return { bytes: readNamed(at, specifier.value, readFile), origin: specifier.value };
      case 'environmentVariable':
        return { bytes: Buffer.from(environment[specifier.value] ?? ''), origin: `environment variable ${specifier.value}` };
      case 'inlineBytes':
        return { bytes: Buffer.from(specifier.value), origin: '<inline>' };
      case 'inlineString':
        return { bytes: Buffer.from(specifier.value), origin: '<inline>' };
    }
  })();
  if (found.bytes.length === 0) refuse(at, `${found.origin} is empty`);
  return found;
}

function readNamed(path: string, name: string, readFile: TlsSources['readFile']): Buffer {
  try {
    return readFile(name);
  } catch (error) {
    return refuse(path, `cannot read ${name} (${codeOf(error) ?? messageOf(error)})`);
  }
}
