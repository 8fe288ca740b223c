import { readFileSync } from 'node:fs';
import type { TlsSources } from '../../src/proxy/tls/index.ts';

/** Certificates and keys from this machine's files, and none from an environment. */
export const tlsSources: TlsSources = { readFile: (path) => readFileSync(path), environment: {} };
