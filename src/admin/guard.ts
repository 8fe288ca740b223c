import type { IncomingHttpHeaders } from 'node:http';
import { formatHostPort, type HostPort, isLoopback, RingwayError } from '../core/index.ts';
import { AdminError } from './admin-error.ts';

/** Throws RingwayError `ADMIN_EXPOSED` for an address that others can reach, unless `insecure`. True when they can. */
export function checkExposure(listen: HostPort, insecure: boolean): boolean {
  if (isLoopback(listen.host)) return false;
  if (insecure) return true;
  const message = `admin: ${formatHostPort(listen)} is open to other machines and has no TLS, allowed: a loopback address, or insecure: true`;
  throw new RingwayError(message, { code: 'ADMIN_EXPOSED' });
}

/**
 * On loopback the Host must be of this machine: a page of another site whose name resolves to 127.0.0.1 is a stranger, though the
 * connection is local (DNS rebinding).
 */
export function checkHost(headers: IncomingHttpHeaders, listen: HostPort): void {
  const host = hostnameOf(headers.host ?? '');
  if (host === null || !(isLoopback(host) || host === listen.host)) {
    throw new AdminError(403, 'BAD_HOST', `host "${headers.host ?? ''}" is not this machine, allowed: localhost or a loopback address`);
  }
}

/** What changes something must not come from a page of another site. Browsers send Origin with every POST; programs send none. */
export function checkOrigin(headers: IncomingHttpHeaders): void {
  const { origin, host } = headers;
  if (origin === undefined) return;
  if (URL.parse(origin)?.host !== host) throw new AdminError(403, 'BAD_ORIGIN', `origin "${origin}" is another site`);
}

/** The host of a Host header without its port and brackets; null when it is none. */
function hostnameOf(header: string): string | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/@\s]+))(?::\d{1,5})?$/.exec(header);
  return match ? (match[1] ?? match[2] ?? null) : null;
}
