import type { Finding } from './findings.ts';
import { formatAge, type MemberReport, type RingFacts, reportMembers } from './member.ts';

/** A ring as text for people: its sources, zones × partitions, members, findings, and the command to run next. Ends with a newline. */
export function ringText(facts: RingFacts, findings: readonly Finding[], next: string): string {
  const members = reportMembers(facts);
  const blocks = [
    headline(facts, members),
    ...(members.length === 0 ? [] : [grid(facts, members), memberTable(members)]),
    findings.length === 0 ? ['findings: none'] : ['findings:', ...findings.flatMap(findingLines)],
    ...(next === '' ? [] : [[`next: ${next}`]]),
  ];
  return `${blocks.map((lines) => lines.map(printable).join('\n')).join('\n\n')}\n`;
}

/** Texts of a ring come from the network: what would steer a terminal, or look like a line of ours, is shown as its code point. */
function printable(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
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
  const ids = [...new Set([...ring.partitions.map(({ id }) => id), ...members.flatMap(({ partition }) => partition ?? [])])];
  if (ids.length === 0) return ['no partitions: nobody stands in for anybody'];
  const stateOf = (id: number): string => ring.partitions.find((partition) => partition.id === id)?.state ?? '-';
  const cell = (id: number, zone: string): string =>
    members
      .filter((member) => member.partition === id && member.zone === zone)
      .map((member) => `${member.id} ${member.eds}`)
      .join(' + ') || '-';
  return columns([
    ['partition', 'state', ...zones.map((zone) => zone || '(no zone)')],
    ...ids.sort((a, b) => a - b).map((id) => [String(id), stateOf(id), ...zones.map((zone) => cell(id, zone))]),
  ]);
}

function memberTable(members: readonly MemberReport[]): string[] {
  return columns([
    ['member', 'address', 'zone', 'partition', 'state', 'heartbeat', 'eds', 'reason'],
    ...members.map(({ id, address, zone, partition, state, heartbeatAgeMs, eds, reason }) => [
      id,
      address,
      zone || '-',
      partition === null ? '-' : String(partition),
      state,
      heartbeatAgeMs === null ? '-' : formatAge(heartbeatAgeMs),
      eds,
      reason,
    ]),
  ]);
}

function findingLines({ level, text, advice }: Finding): string[] {
  return [`  ${level.padEnd(7)}  ${text}`, ...(advice === '' ? [] : [`           → ${advice}`])];
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
