import { type Clock, formatHostPort, type HostPort, messageOf, parseHostPort, type Random } from '../../core/index.ts';
import { DnsError } from './errors.ts';
import { exchange, type Outcome } from './exchange.ts';
import type { Question, RecordKind, ServiceTarget } from './message.ts';
import { type ResolvConf, readResolvConf, wholeNames } from './resolv-conf.ts';

export interface DnsClientOptions {
  /** `ip:port`, asked in this order. Empty: the servers of resolv.conf, read anew for each lookup, and its search domains. */
  readonly servers: readonly string[];
  /** For one answer of one server. A server that gives none is asked once more, after the others. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** For ids. */
  readonly random: Random;
  /** `/etc/resolv.conf` unless given. */
  readonly resolvConf?: string;
}

/**
 * Looks names up. A name ends with a dot, or is looked for in the search domains too, as resolv.conf(5) says; with `servers` it is whole.
 * Literal addresses are no names. Every call rejects with a DnsError, one line that names what was asked and of whom.
 */
export interface DnsClient {
  /** Literal addresses in the order of the server, each once; at least one. CNAMEs are followed. */
  addresses(name: string, kind: 'A' | 'AAAA', signal: AbortSignal): Promise<Found<string>>;
  /** SRV records as they are; at least one. */
  targets(name: string, signal: AbortSignal): Promise<Found<ServiceTarget>>;
  /**
   * SRV records with the addresses, IPv4 first, of their targets: those that the server sent along, else looked up. Empty when a target has
   * none; a target about which nobody answers rejects the whole.
   */
  services(name: string, signal: AbortSignal): Promise<Found<ServiceTarget>>;
  /** Lookups under way reject, later ones too. */
  close(): void;
}

/** An answer and for how long it may be kept: the least TTL of all that it was made of, ms. */
export interface Found<T> {
  readonly records: readonly T[];
  readonly ttlMs: number;
}

/** How often a server is asked that gives no answer. */
const ROUNDS = 2;
/** Targets looked up at once. */
const LOOKUPS_AT_ONCE = 16;
const MAX_NAME_LENGTH = 253;

export function createDnsClient(options: DnsClientOptions): DnsClient {
  const closing = new AbortController();
  const given = options.servers.map((text) => parseHostPort(text));
  const lookup = async <T>(name: string, kind: RecordKind, signal: AbortSignal, pick: (reply: FoundReply) => readonly T[]) => {
    if (!isName(name)) throw new DnsError(`${JSON.stringify(name.slice(0, 80))} is not a DNS name`, { code: 'DNS_BAD_NAME' });
    const conf = given.length > 0 ? { servers: given, search: [], ndots: 0 } : await systemConf(options, `${kind} of ${name}`);
    const reply = await ask(name, kind, conf, { ...options, signal: AbortSignal.any([signal, closing.signal]) });
    return { records: pick(reply), ttlMs: reply.ttlMs };
  };
  const client: DnsClient = {
    addresses: (name, kind, signal) => lookup(name, kind, signal, ({ addresses }) => addresses),
    targets: (name, signal) => lookup(name, 'SRV', signal, ({ targets }) => targets),
    services: async (name, signal) => withAddresses(await client.targets(name, signal), client, signal),
    close: () => closing.abort(),
  };
  return client;
}

type FoundReply = Extract<Outcome, { readonly kind: 'found' }>;
type AskOptions = DnsClientOptions & { readonly signal: AbortSignal };

function isName(name: string): boolean {
  return name.length <= MAX_NAME_LENGTH && /^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?$/.test(name) && !/(^|\.)\d+\.?$/.test(name);
}

async function systemConf({ resolvConf = '/etc/resolv.conf' }: DnsClientOptions, what: string): Promise<ResolvConf> {
  try {
    const conf = await readResolvConf(resolvConf);
    if (conf.servers.length > 0) return conf;
  } catch (error) {
    throw new DnsError(`cannot look up ${what}: ${resolvConf}: ${messageOf(error)}`, { code: 'DNS_FAILED', cause: error });
  }
  throw new DnsError(`cannot look up ${what}: ${resolvConf} names no server`, { code: 'DNS_FAILED' });
}

/** A failure ends the search: the next domain may have another thing of the same name. */
async function ask(name: string, kind: RecordKind, conf: ResolvConf, options: AskOptions): Promise<FoundReply> {
  const names = wholeNames(name, conf).filter(isName);
  let exists = false;
  let ttlMs: number | null = null;
  for (const whole of names) {
    const reply = await askServers({ name: whole, kind }, conf.servers, options);
    if (reply.kind === 'found') return reply;
    exists ||= reply.kind === 'no-records';
    ttlMs = Math.min(ttlMs ?? Number.POSITIVE_INFINITY, reply.ttlMs ?? Number.POSITIVE_INFINITY);
  }
  const detail = { ttlMs: ttlMs !== null && Number.isFinite(ttlMs) ? ttlMs : null };
  const tried = names.length > 1 ? ` (tried ${names.join(', ')})` : '';
  if (exists) throw new DnsError(`${name} has no ${kind} records${tried}`, { code: 'DNS_NO_RECORDS', ...detail });
  throw new DnsError(`there is no name ${name} in DNS${tried}`, { code: 'DNS_NO_SUCH_NAME', ...detail });
}

/** The first server that knows; those that say nothing are asked again after the others. */
async function askServers(question: Question, servers: readonly HostPort[], options: AskOptions): Promise<Answered> {
  const failures = new Map<HostPort, string>();
  let left = servers;
  for (let round = 0; round < ROUNDS && left.length > 0; round += 1) {
    const silent: HostPort[] = [];
    for (const server of left) {
      const outcome = await exchange(question, { ...options, server });
      if (isAnswered(outcome)) return outcome;
      if (options.signal.aborted) throw failure(question, 'stopped');
      if (outcome.kind === 'silent') silent.push(server);
      failures.set(server, describe(outcome, options));
    }
    left = silent;
  }
  throw failure(question, [...failures].map(([server, what]) => `${formatHostPort(server)} ${what}`).join('; '));
}

/** What a server says that knows. */
type Answered = Extract<Outcome, { readonly kind: 'found' | 'no-such-name' | 'no-records' }>;

function isAnswered(outcome: Outcome): outcome is Answered {
  return outcome.kind === 'found' || outcome.kind === 'no-such-name' || outcome.kind === 'no-records';
}

function describe(outcome: Exclude<Outcome, Answered>, { timeoutMs }: AskOptions): string {
  switch (outcome.kind) {
    case 'silent':
      return `gave no answer in ${timeoutMs} ms`;
    case 'unreachable':
      return outcome.what;
    case 'truncated':
      return 'cut its answer off, over TCP too';
    case 'refused':
      return `answered ${outcome.rcode}`;
    case 'malformed':
      return `answered garbage: ${outcome.what}`;
  }
}

function failure({ name, kind }: Question, what: string): DnsError {
  return new DnsError(`cannot look up ${kind} of ${name}: ${what}`, { code: 'DNS_FAILED' });
}

async function withAddresses(found: Found<ServiceTarget>, client: DnsClient, signal: AbortSignal): Promise<Found<ServiceTarget>> {
  const missing = [...new Set(found.records.filter(({ addresses }) => addresses.length === 0).map(({ target }) => target))];
  const known = new Map<string, Found<string>>();
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const next = async (): Promise<void> => {
    for (let target = missing.pop(); target !== undefined; target = missing.pop())
      known.set(target, await addressesOf(target, client, stop));
  };
  try {
    await Promise.all(Array.from({ length: LOOKUPS_AT_ONCE }, next));
  } finally {
    failed.abort();
  }
  return {
    records: found.records.map((record) => ({ ...record, addresses: known.get(record.target)?.records ?? record.addresses })),
    ttlMs: Math.min(found.ttlMs, ...[...known.values()].map(({ ttlMs }) => ttlMs)),
  };
}

/** IPv6 ones that nobody tells count only where there are no IPv4 ones: many servers answer AAAA badly. */
async function addressesOf(target: string, client: DnsClient, signal: AbortSignal): Promise<Found<string>> {
  const [v4, v6] = await Promise.allSettled([
    client.addresses(`${target}.`, 'A', signal).catch(noneOfThem),
    client.addresses(`${target}.`, 'AAAA', signal).catch(noneOfThem),
  ]);
  if (v4.status === 'rejected') throw v4.reason;
  if (v6.status === 'rejected' && v4.value.records.length === 0) throw v6.reason;
  const found = v6.status === 'fulfilled' ? [v4.value, v6.value] : [v4.value];
  return { records: found.flatMap(({ records }) => records), ttlMs: Math.min(...found.map(({ ttlMs }) => ttlMs)) };
}

/** A target that is no name has no address either. */
function noneOfThem(error: unknown): Found<string> {
  if (!(error instanceof DnsError && (error.isNegative || error.code === 'DNS_BAD_NAME'))) throw error;
  return { records: [], ttlMs: error.ttlMs ?? Number.POSITIVE_INFINITY };
}
