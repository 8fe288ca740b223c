import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { type AdvertisedAddress, type IpAddress, nameOf, quoted, readAddress } from './advertised-address.ts';

/** Says why an advertised address is refused, or null. */
export type AddressPolicy = (address: string) => string | null;

/** Addresses that are refused unless an entry of `allowedAddresses` lies within their range. */
type Special = 'loopback' | 'link-local' | 'metadata';

/** One entry of `allowedAddresses`. */
type Pattern =
  | { readonly kind: 'range'; readonly network: IpAddress; readonly bits: number }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'suffix'; readonly suffix: string };

/** What clouds answer metadata requests on (AWS, Google, Azure: the first; AWS over IPv6: the second). */
const METADATA_ADDRESSES: readonly IpAddress[] = ['169.254.169.254', 'fd00:ec2::254'].map((text) => ipaddr.parse(text));
const METADATA_NAMES: readonly string[] = ['metadata.google.internal', 'metadata'];
const LOOPBACK_NAME = /^(.+\.)?localhost(\.localdomain)?$|^ip6-(localhost|loopback)$/;

/**
 * Judges what a ring may advertise. `allowed` is the list of ringway.yaml: CIDRs, addresses, names, `*.suffix`; null without one.
 * Never allowed: what nobody can dial or what hides another address (unspecified, multicast, broadcast, IPv4 inside IPv6, an IPv6 zone,
 * a number that is no dotted quad, port 0). Loopback, link-local and metadata addresses need an entry within their own range:
 * 0.0.0.0/0 does not let them in. With a list every other address must be in it; a name passes unless the list has names, since a
 * range cannot judge a name.
 */
export function createAddressPolicy(allowed: readonly string[] | null): AddressPolicy {
  const judge = createHostPolicy(allowed);
  return (text) => {
    const address = readAddress(text);
    const reason = 'reason' in address ? address.reason : judge(address);
    return reason === null ? null : `address ${quoted(text)} ${reason}`;
  };
}

/** The same of an address that has been read; the reason without the address. */
export function createHostPolicy(allowed: readonly string[] | null): (address: AdvertisedAddress) => string | null {
  const patterns = allowed === null ? null : allowed.map(parsePattern);
  return ({ host, ip }) => {
    if (host === '') return 'names no host';
    if (host.includes('%')) return 'has an IPv6 zone';
    return ip === null ? judgeName(host, patterns) : judgeIp(ip, patterns);
  };
}

const EMBEDDED = 'is an IPv4 address inside IPv6';

/** Ranges that no list can allow. */
const UNUSABLE: Readonly<Record<string, string>> = {
  unspecified: 'is the unspecified address',
  broadcast: 'is the broadcast address',
  multicast: 'is a multicast address',
  ipv4Mapped: EMBEDDED,
  rfc6052: EMBEDDED,
  rfc6145: EMBEDDED,
  '6to4': EMBEDDED,
  teredo: EMBEDDED,
};

function judgeIp(ip: IpAddress, patterns: readonly Pattern[] | null): string | null {
  const range = ip.range();
  const unusable = UNUSABLE[range] ?? (range === 'unicast' && isIpv4Compatible(ip) ? EMBEDDED : undefined);
  if (unusable !== undefined) return unusable;
  const matching = (patterns ?? []).filter((pattern) => pattern.kind === 'range' && inRange(ip, pattern.network, pattern.bits));
  const special = specialOf(ip, range);
  if (special !== null) return matching.some((pattern) => liesWithin(pattern, special)) ? null : refuseSpecial(special);
  return patterns === null || matching.length > 0 ? null : NOT_LISTED;
}

/** ::/96 but for :: and ::1, of which the range says what they are: RFC 4291 §2.5.5.1. */
function isIpv4Compatible(ip: IpAddress): boolean {
  return (
    ip.kind() === 'ipv6' &&
    ip.range() === 'unicast' &&
    ip
      .toByteArray()
      .slice(0, 12)
      .every((byte) => byte === 0)
  );
}

function judgeName(name: string, patterns: readonly Pattern[] | null): string | null {
  if (!/^(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/.test(name) || name.length > 253) return 'is not an address or a DNS name';
  // resolvers read 127.1, 0x7f.0.0.1 and 2130706433 as addresses: https://url.spec.whatwg.org/#ends-in-a-number-checker
  if (/(^|\.)(\d+|0x[0-9a-f]*)$/.test(name)) return 'is not an address in the usual form';
  const named = (patterns ?? []).filter(({ kind }) => kind !== 'range');
  const special = METADATA_NAMES.includes(name) ? 'metadata' : LOOPBACK_NAME.test(name) ? 'loopback' : null;
  if (special !== null) return named.some((pattern) => pattern.kind === 'name' && pattern.name === name) ? null : refuseSpecial(special);
  const listed = named.some((pattern) =>
    pattern.kind === 'name' ? pattern.name === name : pattern.kind === 'suffix' && name.endsWith(pattern.suffix),
  );
  return named.length === 0 || listed ? null : NOT_LISTED;
}

const NOT_LISTED = 'is not in allowedAddresses';

function refuseSpecial(special: Special): string {
  return `is a ${special} address (allowed only when allowedAddresses lists it)`;
}

function specialOf(ip: IpAddress, range: ReturnType<IpAddress['range']>): Special | null {
  const local = range === 'linkLocal' || range === 'uniqueLocal';
  if (local && METADATA_ADDRESSES.some((address) => inRange(ip, address, bitsOf(address)))) return 'metadata';
  if (range === 'loopback') return 'loopback';
  return range === 'linkLocal' ? 'link-local' : null;
}

/** The whole of the entry is special in this way; of a metadata address, the entry is that address. */
function liesWithin(pattern: Pattern, special: Special): boolean {
  if (pattern.kind !== 'range') return false;
  if (special === 'metadata') return pattern.bits === bitsOf(pattern.network);
  const shortest = special === 'loopback' ? { ipv4: 8, ipv6: 128 } : { ipv4: 16, ipv6: 10 };
  return pattern.bits >= shortest[pattern.network.kind()];
}

function parsePattern(text: string): Pattern {
  if (text.includes('/')) {
    const [network, bits] = ipaddr.parseCIDR(text);
    return { kind: 'range', network, bits };
  }
  if (isIP(text) !== 0) {
    const network = ipaddr.parse(text);
    return { kind: 'range', network, bits: bitsOf(network) };
  }
  return text.startsWith('*.') ? { kind: 'suffix', suffix: nameOf(text.slice(1)) } : { kind: 'name', name: nameOf(text) };
}

function inRange(ip: IpAddress, network: IpAddress, bits: number): boolean {
  return ip.kind() === network.kind() && ip.match(network, bits);
}

function bitsOf(ip: IpAddress): number {
  return ip.kind() === 'ipv4' ? 32 : 128;
}
