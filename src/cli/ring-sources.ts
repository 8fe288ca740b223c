// Where `control` and `ring show` get their rings from: a file, or --tempo alone.
import { createConfig, loadConfig, type RingwayConfig } from '../config/index.ts';
import { shellWord } from '../core/index.ts';
import { UsageError } from './command.ts';

/** The ring that --tempo reads unless --ring says otherwise. */
const DEFAULT_RING = 'live-store';

/** The flags, for parseFlags. */
export const ringSourceFlags: {
  readonly config: { readonly type: 'string'; readonly short: 'c' };
  readonly tempo: { readonly type: 'string'; readonly multiple: true };
  readonly allow: { readonly type: 'string'; readonly multiple: true };
  readonly ring: { readonly type: 'string' };
} = {
  config: { type: 'string', short: 'c' },
  tempo: { type: 'string', multiple: true },
  allow: { type: 'string', multiple: true },
  ring: { type: 'string' },
};

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

/** The same choice as words that start control. */
export function controlWords({ config, tempo, allow, ring }: RingSourceValues): string {
  return config === undefined ? tempoWords(tempo, allow, ring) : `-c ${shellWord(config)}`;
}

/** The same choice as words that look at the rings, `more` addresses allowed; in a file that is for the user to write. */
export function lookWords({ config, tempo, allow, ring }: RingSourceValues, more: readonly string[]): string {
  if (config === undefined) return tempoWords(tempo, [...(allow ?? []), ...more], ring);
  return [`-c ${shellWord(config)}`, ...flag('ring', ring)].join(' ');
}

function tempoWords(tempo: readonly string[] | undefined, allow: readonly string[] | undefined, ring: string | undefined): string {
  return [...flag('tempo', tempo), ...flag('allow', allow), ...flag('ring', ring)].join(' ');
}

function flag(name: string, values: string | readonly string[] | undefined): string[] {
  return [values ?? []].flat().map((value) => `--${name} ${shellWord(value)}`);
}
