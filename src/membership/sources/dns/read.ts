import { formatHostPort } from '../../../core/index.ts';
import { type DnsClient, DnsError, type Found, type ServiceTarget } from '../../../transport/dns/index.ts';
import { partitionOfId } from '../../index.ts';
import type { Member } from '../../types.ts';
import type { DnsSourceOptions } from './options.ts';

/** What a name says, and how long that may be believed. */
export interface NameReading {
  /** Sorted by id; at least one: DNS has no word for a ring without members. */
  readonly members: readonly Member[];
  readonly warning: string | null;
  readonly ttlMs: number;
}

type ReadOptions = Pick<DnsSourceOptions, 'dnsName' | 'records' | 'port' | 'zone'>;

/** Asks once. Rejects with a DnsError. */
export async function readName(options: ReadOptions, client: DnsClient, signal: AbortSignal): Promise<NameReading> {
  const { dnsName, records } = options;
  switch (records) {
    case 'SRV':
      return fromServices(options, await client.services(dnsName, signal));
    case 'A+AAAA':
      return fromAddresses(options, await bothFamilies(client, dnsName, signal));
    default:
      return fromAddresses(options, await client.addresses(dnsName, records, signal));
  }
}

/** One of the families may be absent; a family about which nobody answers is not. */
async function bothFamilies(client: DnsClient, dnsName: string, signal: AbortSignal): Promise<Found<string>> {
  const families = await Promise.allSettled([client.addresses(dnsName, 'A', signal), client.addresses(dnsName, 'AAAA', signal)]);
  const found = families.flatMap((family) => (family.status === 'fulfilled' ? family.value : []));
  const failed = families.flatMap((family) => (family.status === 'rejected' ? [family.reason] : []));
  const [unknown] = failed.filter((error) => !(error instanceof DnsError && error.isNegative));
  if (unknown !== undefined) throw unknown;
  if (found.length === 0) throw failed[0];
  const negativeTtlsMs = failed.map((error: DnsError) => error.ttlMs ?? Number.POSITIVE_INFINITY);
  return {
    records: found.flatMap(({ records }) => records),
    ttlMs: Math.min(...found.map(({ ttlMs }) => ttlMs), ...negativeTtlsMs),
  };
}

/** Each address is a member, named after itself. */
function fromAddresses({ port, zone }: ReadOptions, { records, ttlMs }: Found<string>): NameReading {
  if (port === null) throw new Error('addresses have no port of their own');
  const addresses = records.map((host) => formatHostPort({ host, port }));
  return { members: addresses.map((address) => memberOf(address, address, zone, null)).sort(byId), warning: null, ttlMs };
}

/** Each target is a member: a pod of a StatefulSet stands under its own name in a headless Service. */
function fromServices({ dnsName, zone }: ReadOptions, { records, ttlMs }: Found<ServiceTarget>): NameReading {
  const targets = [...new Map(records.map((record) => [`${record.target}:${record.port}`, record])).values()];
  const dialled = targets.filter(({ port, addresses }) => port > 0 && addresses.length > 0);
  const others = targets.filter((target) => !dialled.includes(target)).map(({ target, port }) => `${target}:${port}`);
  if (dialled.length === 0)
    throw new DnsError(`no SRV target of ${dnsName} has an address and a port: ${some(others)}`, { code: 'DNS_NO_RECORDS', ttlMs });
  const idOf = shortestIds(dialled);
  const members = dialled.map((target) => {
    const id = idOf(target);
    return memberOf(id, formatHostPort({ host: firstAddress(target), port: target.port }), zone, partitionOfId(labelOf(target)));
  });
  const warning = others.length === 0 ? null : `${dnsName}: left out, without an address or a port: ${some(others)}`;
  return { members: members.sort(byId), warning, ttlMs };
}

function memberOf(id: string, address: string, zone: string, partition: number | null): Member {
  return { id, address, zone, partition, state: 'ACTIVE', heartbeatMs: null, registeredMs: null };
}

/** The first label where it tells targets apart, else the whole name, else the port too. */
function shortestIds(targets: readonly ServiceTarget[]): (target: ServiceTarget) => string {
  const names = [labelOf, ({ target }: ServiceTarget) => target, ({ target, port }: ServiceTarget) => `${target}:${port}`];
  const counts = names.map((nameOf) => {
    const count = new Map<string, number>();
    for (const target of targets) count.set(nameOf(target), (count.get(nameOf(target)) ?? 0) + 1);
    return count;
  });
  return (target) => {
    const unique = names.find((nameOf, i) => counts[i]?.get(nameOf(target)) === 1);
    if (unique === undefined) throw new Error('targets differ by name or port');
    return unique(target);
  };
}

function labelOf({ target }: ServiceTarget): string {
  return target.split('.', 1)[0] as string;
}

/** Servers shuffle; the choice does not. IPv4 goes before IPv6. */
function firstAddress({ addresses }: ServiceTarget): string {
  const v4 = addresses.filter((address) => !address.includes(':'));
  return [...(v4.length > 0 ? v4 : addresses)].sort()[0] as string;
}

function some(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}

function byId(a: Member, b: Member): number {
  return a.id < b.id ? -1 : 1;
}
