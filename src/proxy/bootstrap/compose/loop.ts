// Would what the sidecar connects to be the sidecar itself?
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { HostPort } from '../../../core/index.ts';

/**
 * Why a connection to `local` would reach the listener on `listen`, undefined when it would not. `ownAddresses`: addresses and names of
 * this machine. On one port: the same host, or either host unspecified, or a name of this machine that may stand for the listener's address.
 */
export function loopReason(listen: HostPort, local: HostPort, ownAddresses: readonly string[]): string | undefined {
  if (listen.port === 0 || listen.port !== local.port) return undefined;
  const [bound, wanted] = [canonical(listen.host), canonical(local.host)];
  if (bound === wanted) return 'they are the same address';
  if (isUnspecified(bound)) return `${bound} is every address of this machine`;
  if (isUnspecified(wanted)) return `${wanted} is every address of this machine`;
  const own = new Set(ownAddresses.map(canonical));
  if (isIP(wanted) === 0 && own.has(wanted) && !isLoopback(bound)) return `${wanted} is this machine`;
  return undefined;
}

/** One spelling for one address: IPv4 inside IPv6 and every form of an IPv6 address included. Names in lower case. */
function canonical(host: string): string {
  return isIP(host) === 0 ? host.toLowerCase().replace(/\.$/, '') : ipaddr.process(host).toString();
}

function isUnspecified(host: string): boolean {
  return isIP(host) !== 0 && ipaddr.process(host).range() === 'unspecified';
}

function isLoopback(host: string): boolean {
  return isIP(host) !== 0 && ipaddr.process(host).range() === 'loopback';
}
