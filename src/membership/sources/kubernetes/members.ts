// What the slices of a Service say of a ring: endpoints of all slices joined to members.
import { isIPv4, isIPv6 } from 'node:net';
import { formatHostPort } from '../../../core/index.ts';
import { partitionOfId } from '../../index.ts';
import type { Member, MemberId, MemberState } from '../../types.ts';
import type { SliceEndpoint } from './endpoint.ts';
import type { KubernetesSourceOptions } from './options.ts';
import { isOlder } from './resource-version.ts';
import type { Slice } from './slice.ts';

/** The members, sorted by id, and what could not be used, each in one line. */
export interface SliceMembers {
  readonly members: readonly Member[];
  readonly problems: readonly string[];
}

type MappingOptions = Pick<KubernetesSourceOptions, 'port' | 'family' | 'partitionFromName'>;

/** An endpoint as a place where a member is. */
interface Place {
  readonly id: MemberId;
  /** Of the pod; '' when it is none. */
  readonly uid: string;
  readonly family: string;
  readonly address: string;
  readonly endpoint: SliceEndpoint;
  /** resourceVersion of its slice. */
  readonly version: string;
}

/**
 * One member for each pod (or hostname), whatever slices it stands in: with both families, or twice while the controller moves it.
 * The slice that was written last decides which pod has the name, and its state; the address is of the family that is asked for if
 * that pod has one.
 */
export function membersOf(slices: Iterable<Slice>, options: MappingOptions): SliceMembers {
  const problems: string[] = [];
  const places = new Map<MemberId, [Place, ...Place[]]>();
  for (const slice of slices) {
    for (const problem of slice.problems) problems.push(problem);
    for (const place of placesOf(slice, options, problems)) {
      const known = places.get(place.id);
      if (known) known.push(place);
      else places.set(place.id, [place]);
    }
  }
  const sorted = [...places.values()].sort(([a], [b]) => (a.id < b.id ? -1 : 1));
  return { members: sorted.map((found) => memberOf(found, options)), problems };
}

function placesOf(slice: Slice, { port }: MappingOptions, problems: string[]): readonly Place[] {
  const { name, addressType: family, endpoints, resourceVersion: version } = slice;
  if (endpoints.length === 0) return [];
  const isAddress = ADDRESS_TYPES.get(family);
  if (isAddress === undefined) {
    problems.push(`slice ${name}: addresses of type ${JSON.stringify(family)}, allowed: ${[...ADDRESS_TYPES.keys()].join(', ')}`);
    return [];
  }
  const number = typeof port === 'number' ? port : (slice.ports.find((known) => known.name === port)?.port ?? null);
  if (number === null) {
    const names = slice.ports.slice(0, 8).map((known) => known.name || '(no name)');
    problems.push(`slice ${name}: has no TCP port named ${port}, only ${names.join(', ') || 'none at all'}`);
    return [];
  }
  return endpoints.flatMap((endpoint) => {
    const id = endpoint.pod?.name ?? endpoint.hostname;
    if (!isAddress(endpoint.address)) {
      problems.push(`slice ${name}: address ${JSON.stringify(endpoint.address)} is not ${family}`);
      return [];
    }
    const address = formatHostPort({ host: endpoint.address, port: number });
    if (id !== '') return { id, uid: endpoint.pod?.uid ?? '', family, address, endpoint, version };
    problems.push(`slice ${name}: endpoint ${address} has neither a pod nor a hostname`);
    return [];
  });
}

/** What addresses of each type are; whether one may be advertised is not decided here. */
const ADDRESS_TYPES: ReadonlyMap<string, (address: string) => boolean> = new Map([
  ['IPv4', isIPv4],
  ['IPv6', isIPv6],
  ['FQDN', (address) => /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?$/i.test(address)],
]);

function memberOf(places: readonly [Place, ...Place[]], { family, partitionFromName }: MappingOptions): Member {
  const newest = places.reduce(newer);
  const own = places.filter(({ uid }) => uid === newest.uid);
  const order = [family, ...ADDRESS_TYPES.keys()];
  const place = own.reduce((a, b) => {
    if (a.family === b.family) return newer(a, b);
    return order.indexOf(a.family) <= order.indexOf(b.family) ? a : b;
  });
  return {
    id: newest.id,
    address: place.address,
    zone: newest.endpoint.zone || place.endpoint.zone,
    partition: partitionFromName ? partitionOfId(newest.id) : null,
    state: stateOf(newest.endpoint),
    heartbeatMs: null,
    registeredMs: null,
  };
}

/** The one whose slice was written later; of one slice any, but the same whatever their order. */
function newer(a: Place, b: Place): Place {
  if (isOlder(a.version, b.version)) return b;
  if (isOlder(b.version, a.version)) return a;
  return keyOf(a) <= keyOf(b) ? a : b;
}

function keyOf({ address, family, endpoint }: Place): string {
  return JSON.stringify([address, family, endpoint]);
}

/**
 * What queriers do with it (they ask ACTIVE and LEAVING members): a pod that serves is asked until it stops serving. One that does not
 * yet, or not now, is known but not asked; one that will not again has left.
 */
function stateOf({ serving, terminating }: SliceEndpoint): MemberState {
  if (serving) return terminating ? 'LEAVING' : 'ACTIVE';
  return terminating ? 'LEFT' : 'JOINING';
}
