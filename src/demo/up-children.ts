import { formatHostPort, type HostPort } from '../core/index.ts';
import type { Installation, SampleMember } from './installation.ts';

/** What starts one process. */
export type PlannedChild =
  | { readonly kind: 'control' | 'sample' | 'querier'; readonly name: string; readonly words: readonly string[] }
  /** `words` are what both `ringway sidecar` and `ringway bootstrap` take; `node` is its node.id. */
  | { readonly kind: 'sidecar'; readonly name: string; readonly node: string; readonly words: readonly string[] };

/** All processes of the sample installation, in starting order; each may start before or after any other. */
export function plannedChildren(plan: Installation, configFile: string): readonly PlannedChild[] {
  const { ring, members, partitions } = plan;
  const ringWords = ring.kind === 'pages' ? ['--ring', `http://${formatHostPort(ring.distributor)}`] : [];
  const readWords = ring.kind === 'pages' ? ringWords : ['--control', `http://${formatHostPort(plan.controlAdmin)}`];
  const expected = String(members.length);
  return [
    controlChild(configFile),
    ...(ring.kind === 'pages'
      ? [sample('distributor', ['distributor', '--listen', formatHostPort(ring.distributor), '--expect', expected])]
      : []),
    ...members.map((member) => inboundChild(member, plan)),
    egressChild({ listen: plan.egress, admin: plan.egressAdmin, xds: plan.xds, ring: null }),
    ...members.map((member) => liveStoreChild(member, partitions, ringWords)),
    {
      name: 'querier',
      kind: 'querier',
      words: ['demo', 'querier', '--egress', formatHostPort(plan.egress), ...readWords, '--partitions', String(partitions)],
    },
  ];
}

export function controlChild(configFile: string): PlannedChild {
  return { name: 'control', kind: 'control', words: ['control', '-c', configFile] };
}

export function egressChild(at: {
  readonly listen: HostPort;
  readonly admin: HostPort;
  readonly xds: HostPort;
  readonly ring: string | null;
}): PlannedChild {
  const listen = ['--listen', formatHostPort(at.listen), '--admin', formatHostPort(at.admin)];
  const ring = at.ring === null ? [] : ['--ring', at.ring];
  return {
    name: 'egress sidecar',
    kind: 'sidecar',
    node: 'querier',
    words: ['egress', ...listen, '--zone', 'zone-a', '--control', formatHostPort(at.xds), ...ring],
  };
}

/** ringway.yaml of the sample installation. Loopback addresses are allowed here and nowhere else. */
export function sampleConfig(plan: Installation): string {
  const source =
    plan.ring.kind === 'pages'
      ? `tempo: { urls: ["http://${formatHostPort(plan.ring.distributor)}"], every: 500ms }`
      : `nats: { servers: ${JSON.stringify(plan.ring.servers)} }`;
  return `rings:
  live-store:
    sources:
      - ${source}
    allowedAddresses: ["127.0.0.0/8"]
control:
  xds: { listen: "${formatHostPort(plan.xds)}" }
admin: { listen: "${formatHostPort(plan.controlAdmin)}" }
`;
}

function inboundChild(member: SampleMember, { xds, ring }: Installation): PlannedChild {
  const where = ['--listen', formatHostPort(member.advertised), '--local', formatHostPort(member.local)];
  const admin = ['--admin', formatHostPort(member.sidecarAdmin)];
  const servers = ring.kind === 'nats' ? ring.servers.flatMap((server) => ['--nats', server]) : [];
  const announces = servers.length > 0 ? [...servers, '--zone', member.zone, '--advertise', formatHostPort(member.advertised)] : [];
  const words = ['inbound', ...where, '--member', member.id, '--control', formatHostPort(xds), ...admin, ...announces];
  return { name: `sidecar of ${member.id}`, kind: 'sidecar', node: member.id, words };
}

function liveStoreChild(member: SampleMember, partitions: number, ringWords: readonly string[]): PlannedChild {
  const who = ['--id', member.id, '--zone', member.zone, '--partition', String(member.partition), '--partitions', String(partitions)];
  const where = [
    '--listen',
    formatHostPort(member.local),
    '--http',
    formatHostPort(member.http),
    '--advertise',
    formatHostPort(member.advertised),
  ];
  return sample(member.id, ['live-store', ...who, ...where, ...ringWords]);
}

function sample(name: string, words: readonly string[]): PlannedChild {
  return { name, kind: 'sample', words: ['demo', ...words] };
}
