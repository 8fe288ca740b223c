import { parseHostPort, shellWord } from '../../core/index.ts';
import type { MergedMember, RingName } from '../../membership/types.ts';
import { ownersOf, standInsOf } from '../snapshot/failover.ts';
import { disagreementText } from './disagreement.ts';
import { formatAge, type MemberReport, type RingFacts, reportMembers } from './member.ts';

/** Tempo's and dskit's default `server.grpc_listen_port`: whoever advertises it advertises itself and no sidecar. */
const TEMPO_GRPC_PORT = 9095;

/** More members than this with the same finding are one finding: then it is no matter of one member. */
const ONE_BY_ONE = 3;

/** `problem`: queries fail, or their calls do; `warning`: they will when something else fails; `note`: good to know. */
type Level = 'problem' | 'warning' | 'note';

/** Something worth knowing about a ring. */
export interface Finding {
  readonly level: Level;
  /** Stable, for machines. */
  readonly code: string;
  /** One line: what is so. */
  readonly text: string;
  /** One line: what to do; '' when there is nothing. */
  readonly advice: string;
  /** A command that helps, to be copied; '' when there is none. */
  readonly command: string;
}

/** Why an address did not answer, by member id; a member that answered is absent. */
export type SilentPorts = ReadonlyMap<string, string>;

/** The command that looks at the same rings again, these addresses allowed in addition. */
export type LookAgain = (allow: readonly string[]) => string;

/** What is wrong with a ring, worst first. `silent` is null when nobody tried the ports. */
export function findingsOf(facts: RingFacts, silent: SilentPorts | null, lookAgain: LookAgain): readonly Finding[] {
  const inBrief = (found: readonly Finding[]): readonly Finding[] => summarized(found, facts.ring.members.length);
  const found = [
    ...sourceFindings(facts),
    ...partitionFindings(facts),
    ...inBrief(refusedFindings(facts, lookAgain)),
    ...inBrief(silentFindings(facts, silent)),
    ...inBrief(healthFindings(facts)),
    ...inBrief(sparedFindings(facts)),
    ...inBrief(ownAddressFindings(facts)),
    ...inBrief(disagreementFindings(facts)),
    ...portFindings(facts),
  ];
  const rank = { problem: 0, warning: 1, note: 2 };
  return found.sort((a, b) => rank[a.level] - rank[b.level]);
}

function finding(level: Level, code: string, text: string, advice = '', command = ''): Finding {
  return { level, code, text, advice, command };
}

function summarized(found: readonly Finding[], members: number): readonly Finding[] {
  const [first] = found;
  if (first === undefined || found.length <= ONE_BY_ONE) return found;
  return [{ ...first, text: `${found.length} of ${members} members, the first is ${first.text}` }];
}

function sourceFindings({ ring, nowMs }: RingFacts): Finding[] {
  const found = ring.sources.flatMap(({ name, ok, error, asOfMs, expired }) => {
    if (error === null) return [];
    if (ok) return finding('warning', 'source-partly-failed', `source ${name}: ${error}`);
    const text = `source ${name} fails: ${error}`;
    if (asOfMs !== null) {
      const use = expired ? 'not used any more' : 'still used';
      return finding('problem', 'source-failed', text, `its last good report is ${formatAge(nowMs - asOfMs)} old and ${use}`);
    }
    if (!/^tempo(-\d+)?$/.test(name)) return finding('problem', 'source-failed', text);
    const advice = 'ask a process that loads the ring: a querier, distributor or live-store, at its HTTP port (3200)';
    return finding('problem', 'source-failed', text, advice, 'ringway ring show --tempo http://<querier>:3200');
  });
  if (ring.emptyGuard && ring.members.length === 0) {
    const advice = 'start live-stores; control serves the ring once it has members, or empty with allowEmpty: true';
    return [...found, finding('problem', 'ring-empty', 'the ring is empty: nobody has registered', advice)];
  }
  const guard = finding(
    'problem',
    'empty-guard',
    'the ring was suddenly empty; the last members that were seen are kept',
    'if it is really empty, say allowEmpty: true for the ring',
  );
  return ring.emptyGuard ? [...found, guard] : found;
}

function partitionFindings(facts: RingFacts): Finding[] {
  const owned = Map.groupBy(
    facts.ring.members.filter(({ partition, state }) => partition !== null && state !== 'LEFT'),
    ({ partition }) => partition as number,
  );
  const known = new Set([...facts.ring.partitions.filter(({ state }) => state !== 'DELETED').map(({ id }) => id), ...owned.keys()]);
  const failover = facts.stage && ownersOf(facts.stage);
  const hasStandIn = ({ id }: MergedMember): boolean => {
    const staged = facts.staged.get(id);
    return staged !== undefined && failover !== undefined && standInsOf(staged, failover, '').length > 0;
  };
  return [...known].sort((a, b) => a - b).flatMap((id) => partitionFinding(id, owned.get(id) ?? [], hasStandIn));
}

function partitionFinding(id: number, owners: readonly MergedMember[], hasStandIn: (owner: MergedMember) => boolean): Finding[] {
  if (!owners.some(({ unhealthy }) => unhealthy === null)) {
    const advice = owners.length === 0 ? 'start its live-store' : `look at ${names(owners)}`;
    return [finding('problem', 'partition-without-owner', `partition ${id} has no owner that queriers ask: every query fails`, advice)];
  }
  if (owners.length === 1) {
    const text = `partition ${id} has one owner, ${names(owners)}: while it is away every query fails, and no sidecar can help`;
    const advice = 'run live-stores in a second zone: live_store.ring.instance_zone (-live-store.instance-availability-zone)';
    return [finding('warning', 'single-owner', text, advice)];
  }
  const zones = new Set(owners.map(({ zone }) => zone));
  // With a zone each, nobody but a refused address is in the way, and that is a finding of its own.
  const apart = zones.size === owners.length && !zones.has('');
  if (apart || owners.some(hasStandIn)) return [];
  const where = [...zones].map((zone) => zone || '(none)').join(', ');
  const text = `partition ${id}: its owners ${names(owners)} (zones: ${where}) cannot stand in for one another: queriers ask all of a zone and merge`;
  return [
    finding('warning', 'owners-in-one-zone', text, 'give each owner of a partition a zone of its own: live_store.ring.instance_zone'),
  ];
}

function refusedFindings(facts: RingFacts, lookAgain: LookAgain): Finding[] {
  const refused = reportMembers(facts).filter(({ reason }) => reason.startsWith('refused: '));
  const allow = [...new Set(refused.flatMap(allowable))];
  const command = allow.length === 0 ? '' : lookAgain(allow.length > ONE_BY_ONE ? [] : allow);
  return refused.map(({ id, reason }) => finding('problem', 'address-refused', `${id}: ${reason}`, refusedAdvice(reason), command));
}

/** An advice for what can be mended so: no list lets in what is never allowed. */
function refusedAdvice(reason: string): string {
  if (reason.includes(' claimed by ')) return 'give each member an address of its own; one that is gone leaves when the ring forgets it';
  if (/^refused: (id|zone) /.test(reason)) return 'correct live_store.ring.instance_id or instance_zone';
  const correct = 'correct live_store.ring.instance_addr and instance_port';
  if (!reason.includes('allowedAddresses')) return correct;
  return `${correct}, or allow it: allowedAddresses in ringway.yaml, --allow on the command line`;
}

/** What would let the member's address in. Nobody is told to let in what hands out credentials or answers on the link alone. */
function allowable({ address, reason }: MemberReport): string[] {
  if (!reason.includes('allowedAddresses') || / is a (metadata|link-local) address /.test(reason)) return [];
  const { host } = parseHostPort(address);
  return [/^127\./.test(host) ? '127.0.0.0/8' : host];
}

function silentFindings({ ring }: RingFacts, silent: SilentPorts | null): Finding[] {
  return ring.members.flatMap((member) => {
    const why = silent?.get(member.id);
    return why === undefined
      ? []
      : silentFinding(ring.name, member, `${member.id}: nothing answers from here at ${member.address} (${why})`);
  });
}

function silentFinding(ring: RingName, { id, address }: MergedMember, text: string): Finding {
  const { port } = parseHostPort(address);
  if (port === TEMPO_GRPC_PORT)
    return finding(
      'problem',
      'port-silent',
      text,
      "that is Tempo's own gRPC port: look at the live-store, and at what lies between it and here",
    );
  return finding('problem', 'port-silent', text, 'start the sidecar beside it', inboundCommand(ring, port, `--member ${shellWord(id)} `));
}

function healthFindings(facts: RingFacts): Finding[] {
  return reportMembers(facts)
    .filter(({ eds }) => eds === 'UNHEALTHY')
    .map(({ id, reason }) => finding('warning', 'member-unhealthy', `${id}: ${reason}`));
}

function sparedFindings({ ring }: RingFacts): Finding[] {
  return ring.members.flatMap(({ id, spared }) =>
    spared === null ? [] : finding('warning', 'last-owner-not-ready', `${id}: ${spared}: it is asked`),
  );
}

function ownAddressFindings({ ring }: RingFacts): Finding[] {
  const advice = 'nothing, where they share a machine; else correct live_store.ring.instance_addr';
  return ring.members.flatMap(({ id, warning }) => (warning === null ? [] : finding('note', 'own-address', `${id}: ${warning}`, advice)));
}

/** A claim that was lost is a refused address, a finding of its own. */
function disagreementFindings({ ring }: RingFacts): Finding[] {
  return ring.members.flatMap(({ id, disagreements, decidedBy }) => {
    const texts = disagreements.filter(({ reason }) => reason !== 'address_claimed_twice').map(disagreementText);
    return texts.length === 0 ? [] : finding('note', 'sources-disagree', `${id}: ${texts.join('; ')} (${decidedBy} decides)`);
  });
}

function portFindings({ ring }: RingFacts): Finding[] {
  const bare = ring.members.filter(({ address }) => address.endsWith(`:${TEMPO_GRPC_PORT}`));
  if (bare.length === 0) return [];
  const text = `${bare.length} of ${ring.members.length} members advertise ${TEMPO_GRPC_PORT}, Tempo's own gRPC port: queriers call the live-store itself, not a sidecar beside it`;
  const advice = 'live_store: {ring: {instance_port: 9096}}, and a sidecar that listens there';
  return [finding('note', 'no-instance-port', text, advice, inboundCommand(ring.name, 9096, ''))];
}

function inboundCommand(ring: RingName, port: number, member: string): string {
  const ringWords = ring === 'live-store' ? '' : `--ring ${shellWord(ring)} `;
  return `ringway sidecar inbound --listen :${port} ${ringWords}${member}--control <control>:18000`;
}

function names(members: readonly MergedMember[]): string {
  return members.map(({ id }) => id).join(', ');
}
