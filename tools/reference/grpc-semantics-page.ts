// docs/reference/grpc-semantics.md: what becomes of calls, from the table that test/conformance plays and from what was recorded of Envoy.
import { DIFFERENCES, differencesOf } from '../../test/conformance/semantics/differences.ts';
import { recordedOutcomes, ringwayOutcome } from '../../test/conformance/semantics/recorded.ts';
import { REFUSED, SECTIONS } from '../../test/conformance/semantics/rows/index.ts';
import type { Outcome, Row } from '../../test/conformance/semantics/types.ts';
import { table } from './table.ts';

const HEAD = ['', 'situation', 'the caller gets', 'the upstream notes', 'access log', 'counters', 'Ringway', 'test'];
const PARTS = ['caller', 'upstream', 'log', 'counters'] as const;

export function grpcSemanticsPage(): string {
  const recorded = recordedOutcomes();
  const usual = new Set(recorded.get('ok')?.counters.split(', '));
  let number = 0;
  const cells = (row: Row, ringway: (envoy: Outcome) => string): string[] => {
    const envoy = recorded.get(row.name) as Outcome;
    const shown = PARTS.map((part) => shownPart(part, envoy, usual));
    number += 1;
    return [String(number), row.situation, ...shown, ringway(envoy), `\`${row.name}\``];
  };
  const sections = SECTIONS.map(({ title, rows }) => {
    const lines = rows.map((row) => cells(row, (envoy) => differenceOf(row.name, envoy, usual)));
    return `## ${title}\n\n${table(HEAD, lines)}`;
  });
  const refused = REFUSED.map((row) => cells(row, () => `refuses the configuration: ${code(row.refusal)}`));
  const reasons = DIFFERENCES.map(({ reason, rows }, i) => [String(i + 1), reason, rows.map(code).join(', ')]);
  return `# What becomes of gRPC calls

Made from \`test/conformance/semantics\` by \`npm run reference\`; do not edit. Each row is a test: real Envoy 1.40 and \`ringway sidecar\`, both as processes
with the same bootstrap, come into the situation between a caller and an upstream that speak in single frames, and what becomes of it is
compared: what the caller and the upstream get, the access log, the counters. \`node test/conformance/record.ts\` records Envoy anew.

The columns show Envoy. In "Ringway" \`=\` means the same, else what is otherwise, and the number of the reason below. \`END\`: END_STREAM on that
frame; \`reset 2\`: RST_STREAM with that code; \`2:\` in front: the second call. \`server\` and \`date\`, which every response has, are only shown where
they are the point, and so are counters that every call moves that is answered as usual. Access log: %RESPONSE_CODE% %RESPONSE_FLAGS%
%RESPONSE_CODE_DETAILS% %GRPC_STATUS%; tries, %UPSTREAM_HOST%, %UPSTREAM_CLUSTER%; %BYTES_RECEIVED%, %BYTES_SENT%; %UPSTREAM_TRANSPORT_FAILURE_REASON%.

${sections.join('\n\n')}

## Refused by name

What Envoy does of this, Ringway says that it does not, when it reads the configuration.

${table(HEAD, refused)}

## Differences on purpose

${table(['', 'why', 'tests'], reasons)}

More of them, about retries and hedges: [where the sidecar differs from Envoy](differs-from-envoy.md).
`;
}

function shownPart(part: (typeof PARTS)[number], outcome: Outcome, usual: ReadonlySet<string>): string {
  const lines = part === 'counters' ? outcome.counters.split(', ').filter((one) => one !== '' && !usual.has(one)) : outcome[part];
  return lines.map(code).join(part === 'counters' ? ', ' : '<br>');
}

/** What Ringway does otherwise, part by part. */
function differenceOf(name: string, envoy: Outcome, usual: ReadonlySet<string>): string {
  const differences = differencesOf(name);
  if (differences.length === 0) return '=';
  const ringway = ringwayOutcome(name, envoy);
  const parts = PARTS.filter((part) => shownPart(part, ringway, usual) !== shownPart(part, envoy, usual));
  const texts = parts.map((part) => `${part}: ${shownPart(part, ringway, usual) || 'nothing'}`);
  return `${texts.join('<br>')} (${differences.map((one) => DIFFERENCES.indexOf(one) + 1).join(', ')})`;
}

function code(text: string): string {
  return `\`${text}\``;
}
