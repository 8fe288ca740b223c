import { hostname } from 'node:os';
import { type HostPort, parseHostPort, RingwayError } from '../../core/index.ts';
import {
  advertisedAddress,
  egressBootstrap,
  inboundBootstrap,
  type LoadedBootstrap,
  planAnnouncement,
} from '../../proxy/bootstrap/index.ts';
import { localAddresses } from '../../transport/index.ts';
import { type CommandIo, UsageError } from '../command.ts';
import { ANNOUNCE_FLAG_NAMES, type AnnounceValues, announceFlags, announceFrom, announceHelp } from './announce-flags.ts';

/** The kinds of sidecar that a few flags describe. */
export type ComposedKind = 'inbound' | 'egress';

export function isComposedKind(word: string | undefined): word is ComposedKind {
  return word === 'inbound' || word === 'egress';
}

type SharedFlag = 'listen' | 'local' | 'control' | 'member' | 'node' | 'ring' | 'zone' | 'admin';

/** Flags that say what a sidecar is: the same for running it and for printing its bootstrap. */
export const composedFlags: Readonly<Record<SharedFlag, { readonly type: 'string' }>> & typeof announceFlags = {
  listen: { type: 'string' },
  local: { type: 'string' },
  control: { type: 'string' },
  member: { type: 'string' },
  node: { type: 'string' },
  ring: { type: 'string' },
  zone: { type: 'string' },
  admin: { type: 'string' },
  ...announceFlags,
};

/** What the user gave of them. */
export type ComposedValues = Readonly<Partial<Record<SharedFlag, string>>> & AnnounceValues;

/** Which of them belong to one kind only. */
const OF_KIND: Readonly<Record<ComposedKind, readonly (keyof ComposedValues)[]>> = {
  inbound: ['local', 'member', ...ANNOUNCE_FLAG_NAMES],
  egress: ['node'],
};

/** Where the name of a node comes from when the flags do not say it. */
type Names = 'from the machine' | 'left out';

/** What the flags that name a node default to. */
const DEFAULT_NAMES: Readonly<Record<Names, { readonly member: string; readonly node: string }>> = {
  'from the machine': { member: 'default: $POD_NAME, else the host name', node: 'default: $POD_NAME or the host name, and the port' },
  'left out': { member: 'left out: --service-node says it at the start', node: 'default: RING-egress; --service-node gives each its own' },
};

/** Help lines of these flags. */
export const composedHelp = (
  names: Names,
): string => `      --listen ADDRESS    inbound: the advertised address, e.g. :9096; egress: where queriers call, e.g. 127.0.0.1:9096
      --control ADDRESS   the control server, host:port; a name may be given (inbound: may be left out)
      --ring NAME         the ring (default live-store)
      --zone ZONE         this machine's zone
      --admin ADDRESS     Envoy's admin pages; keep them on loopback (default: none)
      --local ADDRESS     inbound: where the live-store listens (default 127.0.0.1:9095)
      --member ID         inbound: the member's id in the ring (${DEFAULT_NAMES[names].member})
      --node ID           egress: an id that no other sidecar has (${DEFAULT_NAMES[names].node})
${announceHelp}`;

/**
 * Composes the bootstrap. `names`: who we are when the flags do not say it. Left out, an inbound node has no id (its member starts with
 * --service-node), and an egress node one that every egress sidecar of the ring may have. Throws UsageError.
 */
export function composeBootstrap(
  kind: ComposedKind,
  values: ComposedValues,
  io: Pick<CommandIo, 'env'>,
  names: Names,
): LoadedBootstrap['bootstrap'] {
  const foreign = OF_KIND[kind === 'inbound' ? 'egress' : 'inbound'].find((flag) => values[flag] !== undefined);
  if (foreign) throw new UsageError(`--${foreign} is not a flag of ${kind}`);
  const pod = names === 'left out' ? undefined : (io.env['POD_NAME'] ?? hostname());
  const listen = addressOf('--listen', required(kind, 'listen', values.listen));
  const shared = {
    ring: values.ring ?? 'live-store',
    listen,
    ...(values.zone === undefined ? {} : { zone: values.zone }),
    ...(values.admin === undefined ? {} : { admin: addressOf('--admin', values.admin) }),
  };
  try {
    if (kind === 'egress') {
      const nodeId = values.node ?? (pod === undefined ? `${shared.ring}-egress` : `${pod}:${listen.port}`);
      const control = addressOf('--control', required(kind, 'control', values.control));
      return egressBootstrap({ ...shared, control, nodeId });
    }
    const member = values.member ?? pod;
    const announce = announceFrom(values);
    const bootstrap = inboundBootstrap({
      ...shared,
      local: addressOf('--local', values.local ?? '127.0.0.1:9095'),
      ...(member === undefined ? {} : { member }),
      ...(values.control === undefined ? {} : { control: addressOf('--control', values.control) }),
      ...(announce === null ? {} : { announce }),
      ownAddresses: [...localAddresses(), hostname(), 'localhost'],
    });
    if (names === 'from the machine') assertAnnounceable(bootstrap, listen.port, io);
    return bootstrap;
  } catch (error) {
    throw error instanceof RingwayError ? new UsageError(error.message, error) : error;
  }
}

/** Whether there is something to say of this machine. Throws RingwayError `BAD_ANNOUNCE`. */
function assertAnnounceable(bootstrap: LoadedBootstrap['bootstrap'], port: number, io: Pick<CommandIo, 'env'>): void {
  const plan = planAnnouncement(bootstrap);
  if (plan) advertisedAddress(plan, { podIp: io.env['POD_IP'], own: localAddresses() }, port);
}

/** Reads an address flag. Throws UsageError that names it. */
export function addressOf(flag: string, text: string): HostPort {
  try {
    return parseHostPort(text);
  } catch (error) {
    throw error instanceof RingwayError ? new UsageError(`${flag}: ${error.message}`, error) : error;
  }
}

function required(kind: ComposedKind, flag: string, value: string | undefined): string {
  if (value === undefined) throw new UsageError(`${kind} needs --${flag} host:port`);
  return value;
}
