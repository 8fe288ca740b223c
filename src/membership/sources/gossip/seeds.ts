// Where the gossip is, in the words of memberlist.join_members (dskit dns/resolver.go).
import { isIP } from 'node:net';
import { type Clock, type HostPort, messageOf, parseHostPort, type Random, RingwayError, sleep } from '../../../core/index.ts';
import { type DnsClient, DnsError } from '../../../transport/dns/index.ts';

/** How names of seeds are looked up. */
export type SeedDns = Pick<DnsClient, 'addresses' | 'targets' | 'services' | 'close'>;

type Seed =
  /** Dialled as it is: a name is looked up by the system, each time. */
  | { readonly kind: 'address'; readonly target: HostPort }
  | { readonly kind: 'addresses'; readonly name: string; readonly port: number }
  /** `port` null: that of the record. `lookUp`: the addresses of the targets are peers, not the targets by name. */
  | { readonly kind: 'services'; readonly name: string; readonly port: number | null; readonly lookUp: boolean };

/** Peers of one seed, and for how long that is true; null: for good. */
interface SeedAnswer {
  readonly targets: readonly HostPort[];
  readonly ttlMs: number | null;
}

const MIN_TTL_MS = 1000;
const MAX_TTL_MS = 60_000;
const RETRY_MS = 2000;

export interface FollowOptions {
  readonly dns: SeedDns;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/**
 * Says where the peers of a seed are, each time that their TTL is over (1 s to 60 s) or a lookup failed, until `signal` aborts; one that needs
 * no DNS says it once. `seed` is valid (src/config/sources/gossip.ts).
 */
export async function followSeed(
  seed: string,
  { dns, clock, random, signal }: FollowOptions,
  onAnswer: (answer: readonly HostPort[] | RingwayError) => void,
): Promise<void> {
  const parsed = parseSeed(seed);
  while (!signal.aborted) {
    let waitMs = RETRY_MS;
    try {
      const { targets, ttlMs } = await resolve(parsed, dns, signal);
      if (!signal.aborted) onAnswer(targets);
      if (ttlMs === null) return;
      waitMs = Math.min(Math.max(ttlMs, MIN_TTL_MS), MAX_TTL_MS);
    } catch (error) {
      if (!signal.aborted) onAnswer(failureOf(seed, error));
    }
    await sleep(clock, waitMs * (1 + 0.1 * random()), signal);
  }
}

function failureOf(seed: string, error: unknown): RingwayError {
  return new RingwayError(`${seed}: ${messageOf(error)}`, {
    code: error instanceof RingwayError ? error.code : 'DNS_FAILED',
    cause: error,
  });
}

function parseSeed(text: string): Seed {
  const [, prefix, rest = ''] = /^(?:(dns|dnssrv|dnssrvnoa)\+)?(.*)$/.exec(text) ?? [];
  if (prefix === undefined) return { kind: 'address', target: parseHostPort(rest) };
  if (prefix !== 'dns') {
    const [name = '', port] = rest.split(':');
    return { kind: 'services', name, port: port === undefined ? null : Number(port), lookUp: prefix === 'dnssrv' };
  }
  const target = parseHostPort(rest);
  return isIP(target.host) === 0 ? { kind: 'addresses', name: target.host, port: target.port } : { kind: 'address', target };
}

async function resolve(seed: Seed, dns: SeedDns, signal: AbortSignal): Promise<SeedAnswer> {
  if (seed.kind === 'address') return { targets: [seed.target], ttlMs: null };
  if (seed.kind === 'addresses') {
    const { records, ttlMs } = await addressesOf(seed.name, dns, signal);
    return { targets: records.map((host) => ({ host, port: seed.port })), ttlMs };
  }
  const { records, ttlMs } = await (seed.lookUp ? dns.services(seed.name, signal) : dns.targets(seed.name, signal));
  const targets = records.flatMap(({ target, port, addresses }) =>
    (seed.lookUp ? addresses : [target]).map((host) => ({ host, port: seed.port ?? port })),
  );
  if (targets.length === 0) throw new DnsError(`the targets of ${seed.name} have no addresses`, { code: 'DNS_NO_RECORDS' });
  return { targets, ttlMs };
}

/** Of two families one is enough; without any, what is said of IPv4 is told. */
async function addressesOf(name: string, dns: SeedDns, signal: AbortSignal): Promise<{ records: readonly string[]; ttlMs: number }> {
  const [v4, v6] = await Promise.allSettled([dns.addresses(name, 'A', signal), dns.addresses(name, 'AAAA', signal)]);
  const found = [v4, v6].flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  if (v4.status === 'rejected' && found.length === 0) throw v4.reason;
  return { records: found.flatMap(({ records }) => records), ttlMs: Math.min(...found.map(({ ttlMs }) => ttlMs)) };
}
