import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { codeOf, messageOf, RingwayError } from '../core/index.ts';

/** Envoy's dns_lookup_family. AUTO takes IPv6 addresses, and IPv4 ones only when there are none; V4_PREFERRED the other way round. */
export type NameFamily = 'AUTO' | 'V4_ONLY' | 'V6_ONLY' | 'V4_PREFERRED' | 'ALL';

/** Literal addresses of a name, in the resolver's order, each once. */
export type ResolveName = (name: string, family: NameFamily) => Promise<readonly string[]>;

/** An address and its family, as a resolver gives them. */
export interface FoundAddress {
  readonly address: string;
  readonly family: number;
}

const NONE_OF_THAT_FAMILY = new Set(['ENODATA']);

/**
 * By the system's resolver, /etc/hosts included. A literal address resolves to itself. Empty: the name exists but has no address of the
 * family. Rejects with RingwayError NAME_NOT_FOUND or DNS_FAILED. `lookupAll` is what asks; Node's unless given.
 */
export async function resolveName(
  name: string,
  family: NameFamily,
  lookupAll: (name: string) => Promise<readonly FoundAddress[]> = (asked) => lookup(asked, { all: true, order: 'verbatim' }),
): Promise<readonly string[]> {
  if (isIP(name) !== 0) return chooseFamily([{ address: name, family: isIP(name) }], family);
  try {
    return chooseFamily(await lookupAll(name), family);
  } catch (error) {
    const systemCode = codeOf(error) ?? '';
    if (NONE_OF_THAT_FAMILY.has(systemCode)) return [];
    const code = systemCode === 'ENOTFOUND' ? 'NAME_NOT_FOUND' : 'DNS_FAILED';
    throw new RingwayError(`cannot resolve ${name}: ${messageOf(error)}`, { code, cause: error });
  }
}

function chooseFamily(found: readonly FoundAddress[], family: NameFamily): readonly string[] {
  const of = (wanted: number): string[] => [...new Set(found.filter((one) => one.family === wanted).map((one) => one.address))];
  const [v4, v6] = [of(4), of(6)];
  switch (family) {
    case 'V4_ONLY':
      return v4;
    case 'V6_ONLY':
      return v6;
    case 'V4_PREFERRED':
      return v4.length > 0 ? v4 : v6;
    case 'AUTO':
      return v6.length > 0 ? v6 : v4;
    default:
      return [...new Set(found.map((one) => one.address))];
  }
}
