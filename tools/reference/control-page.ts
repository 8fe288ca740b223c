// docs/reference/control.md: what `ringway control` logs and measures.
import { AGENT_SOURCES } from './agent-page.ts';
import { telemetryTables } from './telemetry.ts';

/** The folders whose code runs in control and nowhere else. */
const SOURCES = ['src/{admin,control,membership,xds/server}/**/*.ts', 'src/roles/{config-reload,exposed-sources}.ts'];

export function controlPage(): string {
  const { events, metrics } = telemetryTables({ of: SOURCES, without: AGENT_SOURCES });
  return `# What ringway control logs and measures

Made from the sources by \`npm run reference\`; do not edit. Names are stable: an event or a metric that goes or changes its meaning is in
the changelog.

## Log events

A JSON object a line on stderr: \`level\`, \`time\`, \`role\`, \`event\`, \`message\` and the fields of the event. Lines about a client also have
\`node\`, \`cluster\`, \`view\` and \`variant\`, lines about a ring \`ring\`.

${events}

## Metrics

On \`/metrics\` of the admin server, in the Prometheus text format.

${metrics}
`;
}
