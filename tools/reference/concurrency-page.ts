// docs/reference/concurrency.md: what a sidecar of several processes logs and measures of that.
import { telemetryTables } from './telemetry.ts';

const SOURCES: readonly string[] = ['src/proxy/worker/*.ts', 'src/roles/sidecar-worker.ts', 'src/roles/sidecar/late-listeners.ts'];

export function concurrencyPage(): string {
  const { events, metrics } = telemetryTables({ of: SOURCES });
  return `# What a sidecar of several processes logs and measures

Made from the sources by \`npm run reference\`; do not edit. It is what \`--concurrency\` above 1 adds:
[how it works](../guide/concurrency.md).

## Log events

Lines of the first process, with \`worker\` for the one that is meant (from 1), and of the workers themselves, all of whose lines have it.

${events}

## Metrics

On \`/stats/prometheus\` of the sidecar's admin pages; on \`/stats\` as \`ringway.workers_…\`.

${metrics}
`;
}
