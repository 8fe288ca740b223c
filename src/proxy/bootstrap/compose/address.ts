import { isIP } from 'node:net';
import { formatHostPort, type HostPort, RingwayError } from '../../../core/index.ts';

/** `address` with `host` where it has none, and loopback spelt as one: `localhost` may be two addresses, a cluster wants one. */
export function hostOr(address: HostPort, host: string): HostPort {
  if (address.host === '') return { host, port: address.port };
  return address.host.toLowerCase() === 'localhost' ? { host: '127.0.0.1', port: address.port } : address;
}

/** An address to bind: an IP, `host` when it has none. Throws RingwayError `BAD_ADDRESS` that names the flag. */
export function listenAddress(flag: string, address: HostPort, host: string): HostPort {
  const found = hostOr(address, host);
  if (isIP(found.host) !== 0) return found;
  throw new RingwayError(
    `${flag} ${formatHostPort(address)}: "${address.host}" is not an IP address; a listener needs one (0.0.0.0 is every IPv4 one)`,
    {
      code: 'BAD_ADDRESS',
    },
  );
}
