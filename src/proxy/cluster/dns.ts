import { type Clock, formatHostPort, type Timer } from '../../core/index.ts';
import type { ResolveName } from '../../transport/index.ts';
import type { ClusterStats } from './stats.ts';
import type { Discovery, Endpoint, NamedEndpoint } from './types.ts';

type StrictDns = Extract<Discovery, { type: 'STRICT_DNS' }>;

interface DnsDeps {
  readonly clock: Clock;
  readonly resolveName: ResolveName;
  readonly stats: ClusterStats;
  /** The addresses of all names, whenever they change; the first time once every name was asked. */
  readonly onEndpoints: (endpoints: readonly Endpoint[]) => void;
}

/** STRICT_DNS: every address of every name is a host. A name that fails keeps the addresses it had. */
export class DnsDiscovery {
  readonly #settings: StrictDns;
  readonly #deps: DnsDeps;
  readonly #found = new Map<NamedEndpoint, readonly Endpoint[]>();
  readonly #timers = new Map<NamedEndpoint, Timer>();
  #state: 'new' | 'running' | 'stopped' = 'new';
  #told = '';

  constructor(settings: StrictDns, deps: DnsDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'running';
    if (this.#settings.endpoints.length === 0) this.#deps.onEndpoints([]);
    for (const endpoint of this.#settings.endpoints) void this.#resolve(endpoint);
  }

  stop(): void {
    this.#state = 'stopped';
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  async #resolve(named: NamedEndpoint): Promise<void> {
    const { stats, clock } = this.#deps;
    stats.updateAttempt.value += 1;
    try {
      const addresses = await this.#deps.resolveName(named.name, this.#settings.family);
      stats.updateSuccess.value += 1;
      if (addresses.length === 0) stats.updateEmpty.value += 1;
      this.#found.set(named, endpointsOf(named, addresses));
    } catch {
      // counted, not logged: a resolver that is down says so once per refresh in the stats
      stats.updateFailure.value += 1;
      if (!this.#found.has(named)) this.#found.set(named, []);
    }
    if (this.#state !== 'running') return;
    this.#tell();
    this.#timers.set(
      named,
      clock.after(this.#settings.refreshMs, () => void this.#resolve(named)),
    );
  }

  #tell(): void {
    if (this.#found.size < this.#settings.endpoints.length) return;
    const endpoints = this.#settings.endpoints.flatMap((named) => this.#found.get(named) ?? []);
    const key = `${endpoints.map(({ address }) => address).join(' ')}.`;
    if (key === this.#told) return;
    this.#told = key;
    this.#deps.onEndpoints(endpoints);
  }
}

function endpointsOf({ name, ...named }: NamedEndpoint, addresses: readonly string[]): readonly Endpoint[] {
  const hostname = named.hostname === '' ? name : named.hostname;
  return addresses.toSorted().map((ip) => ({ ...named, hostname, ip, address: formatHostPort({ host: ip, port: named.port }) }));
}
