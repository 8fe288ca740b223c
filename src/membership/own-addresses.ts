import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { HostPort } from '../core/index.ts';
import type { AdvertisedAddress } from './advertised-address.ts';

/** Where the process that reads a ring is itself. */
export interface OwnAddresses {
  /** IP addresses of this machine. */
  readonly machine: readonly string[];
  /** What this process listens on. Host '' is every address of this machine; port 0 is none that a ring could name. */
  readonly listeners: readonly { readonly what: string; readonly listen: HostPort }[];
}

/** What an advertised address, which can be dialled, has to do with this process: nothing, its machine, or a listener of its own. */
export type OwnAddressCheck = (
  address: AdvertisedAddress,
) => { readonly kind: 'other' | 'machine' } | { readonly kind: 'listener'; readonly what: string };

/** Names are not looked up: only `localhost` is known to be here. */
export function createOwnAddressCheck({ machine, listeners }: OwnAddresses): OwnAddressCheck {
  const here = new Set(machine.filter((address) => isIP(address) !== 0).map(canonical));
  return (address) => {
    const place = placeOf(address, here);
    if (place === 'elsewhere') return { kind: 'other' };
    const own = listeners.find(({ listen }) => listen.port === address.port && answersAt(listen.host, address, place));
    if (own) return { kind: 'listener', what: own.what };
    return { kind: place === 'loopback' ? 'other' : 'machine' };
  };
}

type Place = 'loopback' | 'here' | 'elsewhere';

function placeOf({ host, ip }: AdvertisedAddress, here: ReadonlySet<string>): Place {
  if (ip === null) return host === 'localhost' ? 'loopback' : 'elsewhere';
  if (ip.range() === 'loopback') return 'loopback';
  return here.has(host) ? 'here' : 'elsewhere';
}

/** Whether a listener bound to `bound` is reached at an address of this machine. */
function answersAt(bound: string, { host, ip }: AdvertisedAddress, place: Place): boolean {
  if (isIP(bound) === 0) return bound === '' || (place === 'loopback' && /^localhost\.?$/i.test(bound));
  const range = ipaddr.parse(bound).range();
  if (range === 'unspecified') return true;
  return ip === null ? range === 'loopback' : canonical(bound) === host;
}

function canonical(ip: string): string {
  return isIP(ip) === 4 ? ip : ipaddr.process(ip).toString();
}
