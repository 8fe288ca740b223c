// Where `control` and `ring show` get their rings from: a file, or --tempo alone.
import { createConfig, loadConfig, type RingwayConfig } from '../config/index.ts';
import { UsageError } from './command.ts';
import type { FlagTable } from './flags.ts';

/** The ring that --tempo reads unless --ring says otherwise. */
const DEFAULT_RING = 'live-store';

/** The flags, for parseFlags. */
export const ringSourceFlags = {
  config: { type: 'string', short: 'c' },
  tempo: { type: 'string', multiple: true },
  allow: { type: 'string', multiple: true },
  ring: { type: 'string' },
} as const satisfies FlagTable;

/** What was given of them. */
export interface RingSourceValues {
  readonly config?: string | undefined;
  readonly tempo?: readonly string[] | undefined;
  readonly allow?: readonly string[] | undefined;
  readonly ring?: string | undefined;
}

/** The lines of a help text that explain them. */
export const ringSourceHelp = `  -c, --config FILE     ringway.yaml
      --tempo URL       instead of a file: a process of Tempo that has the ring (querier, distributor, live-store), at its HTTP port;
                        may stand several times, the newest of each entry counts
      --allow ADDRESS   with --tempo: what members may advertise (CIDR, address, name, *.suffix), several times; without it all but
                        loopback, link-local and metadata addresses`;

/** The configuration that was asked for. `more` is laid beside the ring where there is no file. Throws UsageError, ConfigError. */
export async function configFrom(values: RingSourceValues, more: Readonly<Record<string, unknown>> = {}): Promise<RingwayConfig> {
  const { config, tempo, allow, ring } = values;
  if ((config === undefined) === (tempo === undefined)) throw new UsageError('give either --config FILE or --tempo URL');
  if (config !== undefined) {
    if (allow !== undefined) throw new UsageError('--allow goes with --tempo; in a file it is allowedAddresses');
    return loadConfig(config);
  }
  const sources = [{ tempo: { urls: tempo } }];
  const rings = { [ring ?? DEFAULT_RING]: { sources, ...(allow === undefined ? {} : { allowedAddresses: allow }) } };
  return createConfig('command line', { rings, ...more });
}

/** The same choice as words, to be put into a proposed command. */
export function sourceWords({ config, tempo, allow }: RingSourceValues): string {
  if (config !== undefined) return `-c ${config}`;
  return [...(tempo ?? []).map((url) => `--tempo ${url}`), ...(allow ?? []).map((address) => `--allow ${address}`)].join(' ');
}
