import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { RingwayError } from './errors.ts';

/** A host (literal IP without brackets, or DNS name) and a port in 0…65535. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Parses `host:port`, `[v6]:port`, `:port` (host ''). Throws RingwayError `BAD_ADDRESS` that quotes the text. */
export function parseHostPort(text: string): HostPort {
  const parsed = matchHostPort(text);
  if (parsed) return parsed;
  throw new RingwayError(`"${text}" is not host:port (a port is 0 to 65535, an IPv6 host stands in brackets)`, { code: 'BAD_ADDRESS' });
}

/** The same; null when it is none. */
export function matchHostPort(text: string): HostPort | null {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = match ? Number(match[3]) : Number.NaN;
  return match && port <= 65_535 ? { host: match[1] ?? match[2] ?? '', port } : null;
}

/** `host:port`, an IPv6 host in brackets. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The host of a URL, an IPv6 one without its brackets. */
export function urlHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** Whether only this machine can connect to it. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  return isIP(host) !== 0 && ipaddr.process(host).range() === 'loopback';
}
