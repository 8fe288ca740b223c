import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { type HostPort, parseHostPort } from '../core/index.ts';

/** Where the process that reads a ring is itself. */
export interface OwnAddresses {
  /** IP addresses of this machine. */
  readonly machine: readonly string[];
  /** What this process listens on. Host '' is every address of this machine; port 0 is none that a ring could name. */
  readonly listeners: readonly { readonly what: string; readonly listen: HostPort }[];
}

/** What an advertised address, which can be dialled, has to do with this process: nothing, its machine, or a listener of its own. */
export type OwnAddressCheck = (
  address: string,
) => { readonly kind: 'other' | 'machine' } | { readonly kind: 'listener'; readonly what: string };

/** Names are not looked up: only `localhost` is known to be here. */
export function createOwnAddressCheck({ machine, listeners }: OwnAddresses): OwnAddressCheck {
  const here = new Set(machine.filter((address) => isIP(address) !== 0).map(canonical));
  return (address) => {
    const { host, port } = parseHostPort(address);
    const place = placeOf(host, here);
    if (place === 'elsewhere') return { kind: 'other' };
    const own = listeners.find(({ listen }) => listen.port === port && answersAt(listen.host, host, place));
    if (own) return { kind: 'listener', what: own.what };
    return { kind: place === 'loopback' ? 'other' : 'machine' };
  };
}

type Place = 'loopback' | 'here' | 'elsewhere';

function placeOf(host: string, here: ReadonlySet<string>): Place {
  if (isIP(host) === 0) return /^localhost\.?$/i.test(host) ? 'loopback' : 'elsewhere';
  const ip = canonical(host);
  if (ip === '::1' || ip.startsWith('127.')) return 'loopback';
  return here.has(ip) ? 'here' : 'elsewhere';
}

/** Whether a listener bound to `bound` is reached at `host`, an address of this machine. */
function answersAt(bound: string, host: string, place: Place): boolean {
  if (isIP(bound) === 0) return bound === '' || (place === 'loopback' && /^localhost\.?$/i.test(bound));
  const range = ipaddr.parse(bound).range();
  if (range === 'unspecified') return true;
  return isIP(host) === 0 ? range === 'loopback' : canonical(bound) === canonical(host);
}

function canonical(ip: string): string {
  return isIP(ip) === 4 ? ip : ipaddr.process(ip).toString();
}
