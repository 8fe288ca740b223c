import { formatHostPort } from '../core/index.ts';
import { createHostPolicy } from './address-policy.ts';
import { type AdvertisedAddress, quoted, readAddress } from './advertised-address.ts';
import { createOwnAddressCheck, type OwnAddressCheck, type OwnAddresses } from './own-addresses.ts';

/** What the merge wants to know of an advertised address. */
export interface AddressVerdict {
  /** One text for each different place. */
  readonly key: string;
  /** Why nobody is sent there, or null. */
  readonly refused: string | null;
  /** What is odd about it though it may be dialled, or null. */
  readonly warning: string | null;
}

/** The same verdict for the same text, always. */
export type AddressJudge = (address: string) => AddressVerdict;

/** A ring of the largest size is remembered several times over; a source that makes up addresses for ever is not. */
const REMEMBERED = 100_000;

/** Judges by `allowedAddresses` of ringway.yaml (null without one) and by where this process is; remembers, since rings are merged every second. */
export function createAddressJudge(allowed: readonly string[] | null, own: OwnAddresses): AddressJudge {
  const policy = createHostPolicy(allowed);
  const check = createOwnAddressCheck(own);
  const known = new Map<string, AddressVerdict>();
  return (text) => {
    const before = known.get(text);
    if (before) return before;
    const address = readAddress(text);
    if ('reason' in address) return { key: text, refused: `address ${quoted(text)} ${address.reason}`, warning: null };
    const verdict = judge(address, policy(address), check);
    if (known.size >= REMEMBERED) known.clear();
    known.set(text, verdict);
    return verdict;
  };
}

function judge(address: AdvertisedAddress, reason: string | null, check: OwnAddressCheck): AddressVerdict {
  const key = formatHostPort(address);
  if (reason !== null) return { key, refused: `address ${quoted(address.text)} ${reason}`, warning: null };
  const own = check(address);
  if (own.kind === 'other') return { key, refused: null, warning: null };
  const said = `address ${quoted(address.text)}`;
  return own.kind === 'listener'
    ? { key, refused: `${said} is the ${own.what} of the process that reads the ring`, warning: null }
    : { key, refused: null, warning: `${said} is one of the machine that reads the ring` };
}
