import { Resolver } from 'node:dns';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { codeOf, type HostPort, parseHostPort } from '../../core/index.ts';

/** How names are looked up (resolv.conf(5)). */
export interface ResolvConf {
  /** In the order in which they are asked. */
  readonly servers: readonly HostPort[];
  /** Domains in which a name that is not whole is looked for. */
  readonly search: readonly string[];
  /** A name with this many dots is tried as it is first. */
  readonly ndots: number;
}

/** Reads the file as it is now. Where there is none (not a Unix), the system's servers are taken. Rejects when it cannot be read. */
export async function readResolvConf(file: string): Promise<ResolvConf> {
  try {
    return parseResolvConf(await readFile(file, 'utf8'));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return { servers: new Resolver().getServers().flatMap(serverOf), search: [], ndots: 1 };
  }
}

/** An address, or with a port `[address]:port` as on OpenBSD. */
function serverOf(text: string): readonly HostPort[] {
  if (isIP(text) !== 0) return [{ host: text, port: 53 }];
  return /^\[?[\da-f:.]+(%\w+)?\]?:\d+$/i.test(text) ? [parseHostPort(text)] : [];
}

/** What is not understood is passed over, as every resolver does; of `search` and `domain` the last counts. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: HostPort[] = [];
  let search: readonly string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/^[;#].*/, '')
      .split(/\s+/)
      .filter((word) => word !== '');
    const [first = ''] = values;
    if (keyword === 'nameserver') servers.push(...serverOf(first));
    if (keyword === 'search') search = values;
    if (keyword === 'domain') search = values.slice(0, 1);
    if (keyword !== 'options') continue;
    for (const option of values) ndots = Math.min(15, Number(/^ndots:(\d{1,3})$/.exec(option)?.[1] ?? ndots));
  }
  return { servers, search: search.map((domain) => domain.replace(/\.$/, '')).filter((domain) => domain !== ''), ndots };
}

/** The whole names that `name` may mean, in the order in which they are tried. A dot at its end says that it is whole. */
export function wholeNames(name: string, { search, ndots }: ResolvConf): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const inDomains = search.map((domain) => `${name}.${domain}`);
  return name.split('.').length > ndots ? [name, ...inDomains] : [...inDomains, name];
}
