// docs/reference/abuse.md: what a hostile peer meets, from the table that the tests in test/abuse run.
import { describe } from '../../test/abuse/cases/abuse-case.ts';
import { CASES } from '../../test/abuse/cases/index.ts';
import { MORE } from '../../test/abuse/cases/more.ts';
import { table } from './table.ts';

/** Limits that Envoy leaves open, or that it does not have. */
const DEFAULTS: readonly (readonly string[])[] = [
  ['time for the preface and SETTINGS', 'none', '15 s', '`request_headers_timeout`'],
  ['time for a header block of several frames', 'none', '15 s', '`request_headers_timeout`'],
  ['frames that wait because the peer does not read', '10 000', '10 000', '`max_outbound_frames`'],
  ['time for answers that are whole but not read', '5 min', '5 to 10 min', '`stream_flush_timeout`, else `stream_idle_timeout`'],
  [
    'connections of one process',
    'none',
    'memory / 64 KiB, and no more than half the open files',
    '`envoy.resource_monitors.global_downstream_max_connections`, runtime `overload.global_downstream_max_connections`',
  ],
  ['connections of one listener', 'none', 'none', 'runtime `envoy.resource_limits.listener.<name>.connection_limit`'],
  ['requests on one connection', 'none', 'none', '`max_requests_per_connection`'],
  [
    'octets that all connections of a process hold unread',
    'none',
    'a quarter of the memory, from 64 MiB to 1 GiB: above half of it a stream holds 64 KiB, above all of it whoever holds most is reset (`overload.envoy.overload_actions.reset_high_memory_stream.count`)',
    '`envoy.resource_monitors.fixed_heap` with `envoy.overload_actions.reset_high_memory_stream`',
  ],
  [
    'requests that a connection resets before they are answered',
    '250 of the first 500, then half of all',
    'a debt of `max_concurrent_streams` (1024): one for each, two when it comes right behind its request; a second or as many completed streams pay it off',
    'runtime `overload.premature_reset_total_stream_count`',
  ],
];

export function abusePage(): string {
  const cases = CASES.map((one) => ({
    number: one.number,
    cells: [one.name, describe(one.envoy), describe(one.ringway), code(one.counter), [one.limit, one.why].filter(Boolean).join('; ')],
  }));
  const more = MORE.map(({ number, name, envoy, ringway, counter, limit }) => ({
    number,
    cells: [name, envoy, ringway, code(counter), limit],
  }));
  const rows = [...cases, ...more].sort((a, b) => a.number - b.number).map(({ number, cells }) => [String(number), ...cells]);
  return `# What a hostile peer meets

Made from \`test/abuse/cases\` by \`npm run reference\`; do not edit. Each row is a test: the octets go to \`ringway sidecar\` and to Envoy 1.40, both
as processes with the same bootstrap, and what becomes of them is compared; afterwards the sidecar serves on, and after floods its memory
comes back.

\`closed\`: the connection ends; \`GOAWAY(n)\`: the peer reads why; \`RST_STREAM(n)\`: only the stream ends; numbers are the error codes of RFC 9113 §7.
Ringway says GOAWAY where Envoy just closes. \`http.abuse\` is \`http.<stat_prefix>\`.

${table(['', 'what is sent', 'Envoy 1.40', 'Ringway', 'counter', 'limit (default)'], rows)}

## Limits that Envoy leaves open

Of each process: with \`--concurrency N\` every one of the N has its own.

${table(['limit', 'Envoy', 'Ringway', 'set by'], DEFAULTS)}
`;
}

function code(counter: string | null): string {
  return counter === null
    ? ''
    : counter
        .split(', ')
        .map((name) => `\`${name}\``)
        .join(', ');
}
