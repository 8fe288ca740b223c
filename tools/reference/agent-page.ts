// docs/reference/member-agent.md: what an inbound sidecar that announces its member logs and measures of that.
import { telemetryTables } from './telemetry.ts';

/** The code that runs only there. */
export const AGENT_SOURCES: readonly string[] = ['src/membership/agent/**/*.ts', 'src/roles/sidecar/announcer.ts'];

export function agentPage(): string {
  const { events, metrics } = telemetryTables({ of: AGENT_SOURCES });
  return `# What the member agent logs and measures

Made from the sources by \`npm run reference\`; do not edit. The agent is a part of \`ringway sidecar inbound --nats …\`:
[how it works](../guide/member-agent.md).

## Log events

Lines of the sidecar's log; each but \`agent.failed\` has the field \`member\`.

${events}

## Metrics

On \`/stats/prometheus\` of the sidecar's admin pages.

${metrics}
`;
}
