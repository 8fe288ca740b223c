import type { ConfigSource } from '../../../gen/envoy/config/core/v3/config_source.ts';
import { durationMs } from './duration.ts';
import { fieldPath, refuse, refuseOthers } from './support.ts';

/** initial_fetch_timeout of a source of resources, in ms; 15 s unless given, 0 waits for ever. Throws CompileError for any source but ADS. */
export function adsTimeoutMs(path: string, source: ConfigSource): number {
  refuseOthers(path, source, { reads: ['configSourceSpecifier', 'initialFetchTimeout'], harmless: ['resourceApiVersion'] });
  const kind = source.configSourceSpecifier?.$case;
  if (kind !== 'ads' && kind !== 'self')
    return refuse(fieldPath(path, kind ?? 'ads'), kind ? 'is not supported (only ads)' : 'is required');
  return durationMs(fieldPath(path, 'initialFetchTimeout'), source.initialFetchTimeout, 15_000);
}
