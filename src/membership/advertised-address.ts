import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { formatHostPort, matchHostPort } from '../core/index.ts';

/** An address of either family. */
export type IpAddress = ReturnType<typeof ipaddr.parse>;

/** What a member advertises, read once for all who judge it. */
export interface AdvertisedAddress {
  /** As it was advertised. */
  readonly text: string;
  /** In the one form in which hosts are compared: addresses in their shortest form, names in lower case without a dot at the end; '' when it names none. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  /** The host as an address; null of a name. */
  readonly ip: IpAddress | null;
}

/** A DNS name, brackets, a port, with room for a zone. */
const MAX_LENGTH = 300;

/** The address, or why it is none. */
export function readAddress(text: string): AdvertisedAddress | { readonly reason: string } {
  const parsed = text.length > MAX_LENGTH ? null : matchHostPort(text);
  if (parsed === null) return { reason: 'is not host:port' };
  if (parsed.port === 0) return { reason: 'has port 0' };
  const { host, port } = parsed;
  const ip = ipOf(host);
  return { text, host: ip === null ? nameOf(host) : ip.kind() === 'ipv4' ? host : ip.toString(), port, ip };
}

/** Dotted quads are read here: the library tries four other ways to write an IPv4 address first, of which isIP takes none. */
function ipOf(host: string): IpAddress | null {
  const family = isIP(host);
  if (family === 4) return new ipaddr.IPv4(host.split('.').map(Number));
  return family === 0 ? null : ipaddr.parse(host);
}

/** One text for each different place; the text itself when it is no address. */
export function addressKey(text: string): string {
  const address = readAddress(text);
  return 'reason' in address ? text : formatHostPort(address);
}

/** A name in the form in which names are compared. */
export function nameOf(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}

/** A text from the network within a line. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text);
}
