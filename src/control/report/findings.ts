import { parseHostPort } from '../../core/index.ts';
import type { MergedMember } from '../../membership/types.ts';
import { standInsOf } from '../snapshot/failover.ts';
import { formatAge, type RingFacts, reportMembers } from './member.ts';

/** Tempo's and dskit's default `server.grpc_listen_port`: whoever advertises it advertises itself and no sidecar. */
const TEMPO_GRPC_PORT = 9095;

/** Something worth knowing about a ring. `problem`: queries fail or will; `warning`: they fail when something else does; `note`: good to know. */
export interface Finding {
  readonly level: 'problem' | 'warning' | 'note';
  /** Stable, for machines. */
  readonly code: string;
  /** One line: what is so. */
  readonly text: string;
  /** One line: what to do; '' when there is nothing. */
  readonly advice: string;
}

/** Why an address did not answer, by member id; a member that answered is absent. */
export type SilentPorts = ReadonlyMap<string, string>;

/** What is wrong with a ring, worst first. `silent` is null when nobody tried the ports. */
export function findingsOf(facts: RingFacts, silent: SilentPorts | null): readonly Finding[] {
  const found = [
    ...sourceFindings(facts),
    ...partitionFindings(facts),
    ...refusedFindings(facts),
    ...silentFindings(facts, silent),
    ...healthFindings(facts),
    ...disagreementFindings(facts),
    ...portFindings(facts),
  ];
  const rank = { problem: 0, warning: 1, note: 2 };
  return found.sort((a, b) => rank[a.level] - rank[b.level]);
}

function sourceFindings({ ring, nowMs }: RingFacts): Finding[] {
  const failing = ring.sources.filter(({ error }) => error !== null);
  const found: Finding[] = failing.map(({ name, error, asOfMs, expired }) => ({
    level: 'problem',
    code: 'source-failed',
    text: `source ${name} fails: ${error}`,
    advice:
      asOfMs === null
        ? 'ask a process that loads the ring: a querier, distributor or live-store, at its HTTP port (3200)'
        : `its last good report is ${formatAge(nowMs - asOfMs)} old and ${expired ? 'not used any more' : 'still used'}`,
  }));
  if (ring.emptyGuard)
    found.push({
      level: 'problem',
      code: 'empty-guard',
      text: 'the ring was suddenly empty; the last members that were seen are kept',
      advice: 'if it is really empty, restart control or allow it for the source',
    });
  return found;
}

function partitionFindings(facts: RingFacts): Finding[] {
  const owned = Map.groupBy(
    facts.ring.members.filter(({ partition, state }) => partition !== null && state !== 'LEFT'),
    ({ partition }) => partition as number,
  );
  const known = [...new Set([...facts.ring.partitions.filter(({ state }) => state !== 'DELETED').map(({ id }) => id), ...owned.keys()])];
  return known.sort((a, b) => a - b).flatMap((id) => partitionFinding(id, owned.get(id) ?? [], facts));
}

function partitionFinding(id: number, owners: readonly MergedMember[], facts: RingFacts): Finding[] {
  const staged = facts.stage?.members ?? [];
  const healthy = owners.filter((owner) => staged.some((member) => member.id === owner.id && member.healthy));
  if (healthy.length === 0)
    return [
      {
        level: 'problem',
        code: 'partition-without-owner',
        text: `partition ${id} has no owner that queriers ask: every query fails`,
        advice: owners.length === 0 ? 'start its live-store' : `look at ${names(owners)}`,
      },
    ];
  if (owners.length === 1)
    return [
      {
        level: 'warning',
        code: 'single-owner',
        text: `partition ${id} has one owner, ${names(owners)}: while it is away every query fails, and no sidecar can help`,
        advice: 'run live-stores in a second zone: live_store.ring.instance_zone (-live-store.instance-availability-zone)',
      },
    ];
  const covered = owners.some((owner) => {
    const member = staged.find((candidate) => candidate.id === owner.id);
    return member !== undefined && facts.stage !== undefined && standInsOf(member, facts.stage, '').length > 0;
  });
  const zones = new Set(owners.map(({ zone }) => zone));
  // With a zone each, nobody but a refused address is in the way, and that is a finding of its own.
  const apart = zones.size === owners.length && !zones.has('');
  return covered || apart ? [] : [zoneFinding(id, owners)];
}

function zoneFinding(id: number, owners: readonly MergedMember[]): Finding {
  const zones = [...new Set(owners.map(({ zone }) => zone || '(none)'))].join(', ');
  return {
    level: 'warning',
    code: 'owners-in-one-zone',
    text: `partition ${id}: its owners ${names(owners)} (zones: ${zones}) cannot stand in for one another: queriers ask all of a zone and merge`,
    advice: 'give each owner of a partition a zone of its own: live_store.ring.instance_zone',
  };
}

function refusedFindings(facts: RingFacts): Finding[] {
  return reportMembers(facts)
    .filter(({ reason }) => reason.startsWith('refused: '))
    .map(({ id, address, reason }) => ({
      level: 'problem',
      code: 'address-refused',
      text: `${id} advertises ${address}: ${reason}`,
      advice: 'correct live_store.ring.instance_addr and instance_port, or list the address in allowedAddresses',
    }));
}

function silentFindings({ ring }: RingFacts, silent: SilentPorts | null): Finding[] {
  return ring.members.flatMap((member): Finding[] => {
    const why = silent?.get(member.id);
    if (why === undefined) return [];
    const { port } = parseHostPort(member.address);
    return [
      {
        level: 'problem',
        code: 'port-silent',
        text: `${member.id}: nothing answers at ${member.address} (${why})`,
        advice: `beside it: ringway sidecar inbound --listen :${port} --member ${member.id} --control <control>:18000`,
      },
    ];
  });
}

function healthFindings(facts: RingFacts): Finding[] {
  return reportMembers(facts)
    .filter(({ eds }) => eds === 'UNHEALTHY')
    .map(({ id, reason }) => ({ level: 'warning', code: 'member-unhealthy', text: `${id}: ${reason}`, advice: '' }));
}

function disagreementFindings({ ring }: RingFacts): Finding[] {
  return ring.members
    .filter(({ sources }) => new Set(Object.values(sources)).size > 1)
    .map(({ id, sources, decidedBy }) => {
      const said = Object.entries(sources).map(([name, state]) => `${name} says ${state}`);
      return {
        level: 'note',
        code: 'sources-disagree',
        text: `${id}: ${said.join(', ')}; ${decidedBy} has the newer heartbeat`,
        advice: '',
      };
    });
}

function portFindings({ ring }: RingFacts): Finding[] {
  const bare = ring.members.filter(({ address }) => address.endsWith(`:${TEMPO_GRPC_PORT}`));
  if (bare.length === 0) return [];
  return [
    {
      level: 'note',
      code: 'no-instance-port',
      text: `${bare.length} of ${ring.members.length} members advertise ${TEMPO_GRPC_PORT}, Tempo's own gRPC port: queriers call the live-store itself, not a sidecar beside it`,
      advice: 'live_store: {ring: {instance_port: 9096}}, and a sidecar that listens there',
    },
  ];
}

function names(members: readonly MergedMember[]): string {
  return members.map(({ id }) => id).join(', ');
}
