import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { formatHostPort } from '../../../core/index.ts';
import { createAddressPolicy } from '../../../membership/index.ts';
import type { AnnouncePlan } from '../types.ts';
import { ANNOUNCE_FIELD } from './metadata.ts';
import { badAnnounce } from './problem.ts';

const HOW = `say what others dial with --advertise host:port (${ANNOUNCE_FIELD}.advertise)`;
/** What nobody says by hand must be an address that every machine can dial. */
const judge = createAddressPolicy(null);

/** Where this machine can be reached, for want of `--advertise`. */
export interface MachineAddresses {
  /** $POD_IP. */
  readonly podIp: string | undefined;
  /** In the order in which the system tells them. */
  readonly own: readonly string[];
}

/**
 * What a member advertises: what was said, else the listener's host if it is one address, else $POD_IP, else the first address of the
 * machine that others can dial and the listener takes. `boundPort` is the listener's. Throws RingwayError `BAD_ANNOUNCE`.
 */
export function advertisedAddress({ settings, listener, listen }: AnnouncePlan, machine: MachineAddresses, boundPort: number): string {
  if (settings.advertise !== null) return settings.advertise;
  const at = (host: string): string => formatHostPort({ host, port: boundPort });
  // before a free port is bound it is 0, which nobody can dial either: here it is the host that matters
  const judged = (host: string): string | null => judge(formatHostPort({ host, port: boundPort || 1 })) ?? outOfReach(host, listen.host);
  const checked = (host: string, origin: string): string => {
    const reason = judged(host);
    if (reason === null) return at(host);
    throw badAnnounce(`cannot announce ${origin}: ${reason}; ${HOW}`);
  };
  if (!isUnspecified(listen.host)) return checked(listen.host, `what listener '${listener}' listens on`);
  if (machine.podIp !== undefined && machine.podIp !== '') return checked(machine.podIp, '$POD_IP');
  const found = machine.own.find((host) => judged(host) === null);
  if (found !== undefined) return at(found);
  throw badAnnounce(
    `nothing to announce: '${listener}' listens on every address, $POD_IP is not set, and this machine has none that others can dial; ${HOW}`,
  );
}

/** 0.0.0.0 is every IPv4 address; :: takes both. */
function outOfReach(host: string, bound: string): string | null {
  if (isIP(host) === 0) return 'it is not an IP address';
  if (!isUnspecified(bound) || isIP(bound) !== 4 || isIP(host) === 4) return null;
  return `address ${JSON.stringify(host)} is IPv6 and the listener takes IPv4 only`;
}

function isUnspecified(host: string): boolean {
  return isIP(host) !== 0 && ipaddr.process(host).range() === 'unspecified';
}
