// Where `control`, `ring show` and `ring watch` get their rings from: a file, or --tempo and --source alone.
import { createConfig, loadConfig, type RingwayConfig } from '../config/index.ts';
import { shellWord } from '../core/index.ts';
import { UsageError } from './command.ts';
import { requireSourceUri } from './ring/source-uri.ts';

/** The ring that is read without a file unless --ring says otherwise. */
export const DEFAULT_RING = 'live-store';

/** The flags, for parseFlags. */
export const ringSourceFlags: {
  readonly config: { readonly type: 'string'; readonly short: 'c' };
  readonly tempo: { readonly type: 'string'; readonly multiple: true };
  readonly source: { readonly type: 'string'; readonly multiple: true };
  readonly allow: { readonly type: 'string'; readonly multiple: true };
  readonly ring: { readonly type: 'string' };
} = {
  config: { type: 'string', short: 'c' },
  tempo: { type: 'string', multiple: true },
  source: { type: 'string', multiple: true },
  allow: { type: 'string', multiple: true },
  ring: { type: 'string' },
};

/** What was given of them. */
export interface RingSourceValues {
  readonly config?: string | undefined;
  readonly tempo?: readonly string[] | undefined;
  readonly source?: readonly string[] | undefined;
  readonly allow?: readonly string[] | undefined;
  readonly ring?: string | undefined;
}

/** The lines of a help text that explain them. */
export const ringSourceHelp = `  -c, --config FILE     ringway.yaml
      --tempo URL       instead of a file: a process of Tempo that has the ring (querier, distributor, live-store), at its HTTP port;
                        may stand several times, the newest of each entry counts
      --source URI      instead of a file: any source, several times, merged; the first has precedence, --tempo before all:
                        http://querier:3200, gossip://host:7946[,host:7946][?label=LABEL], nats://host:4222, etcd://host:2379,
                        consul://host:8500, dns:name:port, dnssrv:name, kubernetes:[namespace/]service:port, members.yaml
      --allow ADDRESS   without a file: what members may advertise (CIDR, address, name, *.suffix), several times; without it all but
                        loopback, link-local and metadata addresses`;

/** The configuration that was asked for. `more` is laid beside the ring where there is no file. Throws UsageError, ConfigError. */
export async function configFrom(values: RingSourceValues, more: Readonly<Record<string, unknown>> = {}): Promise<RingwayConfig> {
  const { config, tempo, source, allow, ring } = values;
  if ((config === undefined) === (tempo === undefined && source === undefined))
    throw new UsageError('give either --config FILE, or --tempo URL or --source URI');
  if (config !== undefined) {
    if (allow !== undefined) throw new UsageError('--allow goes with --tempo and --source; in a file it is allowedAddresses');
    return loadConfig(config);
  }
  const given = (source ?? []).map((text) => requireSourceUri('--source', text));
  return configOf([...(tempo === undefined ? [] : [{ tempo: { urls: tempo } }]), ...given], { allow, ring }, more);
}

/** The configuration of one ring without a file. Throws ConfigError. */
export function configOf(
  sources: readonly Readonly<Record<string, unknown>>[],
  { allow, ring }: Pick<RingSourceValues, 'allow' | 'ring'>,
  more: Readonly<Record<string, unknown>> = {},
): RingwayConfig {
  const rings = { [ring ?? DEFAULT_RING]: { sources, ...(allow === undefined ? {} : { allowedAddresses: allow }) } };
  return createConfig('command line', { rings, ...more });
}

/** The same choice as words that start control. */
export function controlWords(values: RingSourceValues): string {
  return values.config === undefined ? sourceWords(values) : `-c ${shellWord(values.config)}`;
}

/** The same choice as words that look at the rings, `more` addresses allowed; in a file that is for the user to write. */
export function lookWords(values: RingSourceValues, more: readonly string[]): string {
  if (values.config === undefined) return sourceWords({ ...values, allow: [...(values.allow ?? []), ...more] });
  return [`-c ${shellWord(values.config)}`, ...flag('ring', values.ring)].join(' ');
}

function sourceWords({ tempo, source, allow, ring }: RingSourceValues): string {
  return [...flag('tempo', tempo), ...flag('source', source), ...flag('allow', allow), ...flag('ring', ring)].join(' ');
}

function flag(name: string, values: string | readonly string[] | undefined): string[] {
  return [values ?? []].flat().map((value) => `--${name} ${shellWord(value)}`);
}
