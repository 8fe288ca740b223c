import { count } from './count.ts';
import { disagreementText } from './disagreement.ts';
import type { Finding } from './findings.ts';
import { formatAge, type MemberReport, type RingFacts, reportMembers } from './member.ts';
import { printable } from './printable.ts';

/** A ring as text for people: its sources, zones × partitions, members, findings, and the command to run next. Ends with a newline. */
export function ringText(facts: RingFacts, findings: readonly Finding[], next: string): string {
  const members = reportMembers(facts);
  const blocks = [
    headline(facts, members),
    ...(members.length === 0 ? [] : [grid(facts, members), memberTable(facts, members)]),
    findings.length === 0 ? ['findings: none'] : ['findings:', ...findings.flatMap(findingLines)],
    ...(next === '' ? [] : [[`next: ${next}`]]),
  ];
  return `${blocks.map((lines) => lines.map(printable).join('\n')).join('\n\n')}\n`;
}

/** Columns as wide as their widest cell, two spaces apart, no space at the end of a line. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of cells) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return cells.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function headline({ ring, nowMs }: RingFacts, members: readonly MemberReport[]): string[] {
  const sources = ring.sources.map(({ name, ok, asOfMs, error }) => {
    const age = asOfMs === null ? 'never read' : `read ${formatAge(nowMs - asOfMs)} ago`;
    if (error === null) return `${name} ${age}`;
    return `${name} ${ok ? 'partly fails' : 'fails'} (${age})`;
  });
  const zones = new Set(members.map(({ zone }) => zone || '(none)')).size;
  return [
    `ring ${ring.name}: ${count(members.length, 'member')}, ${count(ring.partitions.length, 'partition')}, ${count(zones, 'zone')}`,
    `sources: ${sources.join('; ') || 'none'}`,
  ];
}

function grid({ ring }: RingFacts, members: readonly MemberReport[]): string[] {
  const zones = [...new Set(members.map(({ zone }) => zone))].sort();
  const states = new Map(ring.partitions.map(({ id, state }) => [id, state]));
  const ids = [...new Set([...states.keys(), ...members.flatMap(({ partition }) => partition ?? [])])];
  if (ids.length === 0) return ['no partitions: nobody stands in for anybody'];
  const owners = Map.groupBy(members, ({ partition, zone }) => `${partition} ${zone}`);
  const cell = (id: number, zone: string): string =>
    owners
      .get(`${id} ${zone}`)
      ?.map((member) => `${member.id} ${member.eds}`)
      .join(' + ') ?? '-';
  return columns([
    ['partition', 'state', ...zones.map((zone) => zone || '(no zone)')],
    ...ids.sort((a, b) => a - b).map((id) => [String(id), states.get(id) ?? '-', ...zones.map((zone) => cell(id, zone))]),
  ]);
}

/** With several sources each one's heartbeat; where one is at odds with the ring, a column that says so. */
function memberTable({ ring }: RingFacts, members: readonly MemberReport[]): string[] {
  const disagree = ring.members.some(({ disagreements }) => disagreements.length > 0);
  const texts = new Map(ring.members.map(({ id, disagreements }) => [id, disagreements.map(disagreementText).join('; ')]));
  const more = (text: string): string[] => (disagree ? [text] : []);
  return columns([
    ['member', 'address', 'zone', 'partition', 'state', 'heartbeat', 'eds', 'reason', ...more('disagreement')],
    ...members.map((member) => [
      member.id,
      member.address,
      member.zone || '-',
      member.partition === null ? '-' : String(member.partition),
      member.state,
      heartbeatText(member, ring.sources.length > 1),
      member.eds,
      member.reason,
      ...more(texts.get(member.id) || '-'),
    ]),
  ]);
}

function heartbeatText({ heartbeatAgeMs, heartbeatAgesMs }: MemberReport, bySource: boolean): string {
  const text = (ageMs: number | null): string => (ageMs === null ? '-' : formatAge(ageMs));
  const ages = Object.entries(heartbeatAgesMs).filter(([, ageMs]) => ageMs !== null);
  return bySource && ages.length > 0 ? ages.map(([source, ageMs]) => `${source} ${text(ageMs)}`).join(', ') : text(heartbeatAgeMs);
}

function findingLines({ level, text, advice }: Finding): string[] {
  return [`  ${level.padEnd(7)}  ${text}`, ...(advice === '' ? [] : [`           → ${advice}`])];
}
