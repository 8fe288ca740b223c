import { type AddressPolicy, addressKey, createAddressPolicy } from './address-policy.ts';
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
  const policy = createAddressPolicy(allowed);
  const check = createOwnAddressCheck(own);
  const known = new Map<string, AddressVerdict>();
  return (address) => {
    const before = known.get(address);
    if (before) return before;
    const verdict = judge(address, policy, check);
    if (known.size >= REMEMBERED) known.clear();
    known.set(address, verdict);
    return verdict;
  };
}

function judge(address: string, policy: AddressPolicy, check: OwnAddressCheck): AddressVerdict {
  const key = addressKey(address);
  const refused = policy(address);
  if (refused !== null) return { key, refused, warning: null };
  const own = check(address);
  const said = `address ${JSON.stringify(address)}`;
  if (own.kind === 'listener') return { key, refused: `${said} is the ${own.what} of the process that reads the ring`, warning: null };
  return { key, refused: null, warning: own.kind === 'machine' ? `${said} is one of the machine that reads the ring` : null };
}
