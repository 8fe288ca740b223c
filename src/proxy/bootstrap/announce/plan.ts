import type { HostPort } from '../../../core/index.ts';
import type { Bootstrap } from '../../../gen/envoy/config/bootstrap/v3/bootstrap.ts';
import type { Address } from '../../../gen/envoy/config/core/v3/address.ts';
import { partitionOfId } from '../../../membership/index.ts';
import type { AnnouncePlan, AnnounceSettings } from '../types.ts';
import { ANNOUNCE_FIELD, readAnnounce } from './metadata.ts';
import { badAnnounce } from './problem.ts';

/** By these names a composed bootstrap calls its listener and the live-store. */
const LISTENER = 'inbound';
const LOCAL = 'local';

/**
 * Who is to be announced, from a bootstrap with `node.metadata.ringway.announce`: null without. Throws RingwayError `BAD_ANNOUNCE` for
 * what is missing or wrong, naming the field.
 */
export function planAnnouncement(bootstrap: Bootstrap): AnnouncePlan | null {
  const { node } = bootstrap;
  const settings = readAnnounce(node);
  if (!settings || !node) return null;
  if (node.id === '') throw badAnnounce('node.id is needed to announce a member; --service-node or --member says it');
  const ring = /^(.+)\/inbound$/.exec(node.cluster)?.[1];
  if (ring === undefined) throw badAnnounce(`${ANNOUNCE_FIELD}: node.cluster ${JSON.stringify(node.cluster)} is not <ring>/inbound`);
  return {
    settings,
    ring,
    member: node.id,
    zone: node.locality?.zone ?? '',
    partition: partitionOf(node.id, settings),
    listener: LISTENER,
    listen: listenOf(bootstrap),
    local: localOf(bootstrap),
  };
}

function partitionOf(id: string, { partition }: AnnounceSettings): number | null {
  if (partition !== 'from the id') return partition;
  const fromId = partitionOfId(id);
  if (fromId !== null) return fromId;
  throw badAnnounce(
    `member ${JSON.stringify(id)} does not end in a dash and a number, its partition; give --partition N or none (${ANNOUNCE_FIELD}.partition)`,
  );
}

function listenOf({ staticResources }: Bootstrap): HostPort {
  const address = staticResources?.listeners.find(({ name }) => name === LISTENER)?.address;
  return hostPortOf(address) ?? missing(`static listener '${LISTENER}', whose address could be announced`);
}

function localOf({ staticResources }: Bootstrap): HostPort {
  const endpoint = staticResources?.clusters.find(({ name }) => name === LOCAL)?.loadAssignment?.endpoints[0]?.lbEndpoints[0];
  const address = endpoint?.hostIdentifier?.$case === 'endpoint' ? endpoint.hostIdentifier.value.address : undefined;
  return hostPortOf(address) ?? missing(`static cluster '${LOCAL}', whose health could be asked for`);
}

function hostPortOf(address: Address | undefined): HostPort | undefined {
  const socket = address?.address?.$case === 'socketAddress' ? address.address.value : undefined;
  return socket?.portSpecifier?.$case === 'portValue' ? { host: socket.address, port: socket.portSpecifier.value } : undefined;
}

function missing(what: string): never {
  throw badAnnounce(`${ANNOUNCE_FIELD}: there is no ${what}`);
}
