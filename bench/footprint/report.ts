/** One process, idle. */
export interface Figure {
  readonly name: string;
  /** Resident, with the pages of Node's own file that it has touched. */
  readonly rssMib: number;
  /** Resident and nobody else's. */
  readonly ownMib: number;
  /** CPU time of the main thread so far. */
  readonly cpuMs: number;
}

/** The page docs/reference/footprint.md. */
export function report({ node, parts, sidecars }: { node: string; parts: readonly Figure[]; sidecars: readonly Figure[] }): string {
  const bare = parts[0] as Figure;
  const one = (value: number): string => value.toFixed(1);
  const plus = (value: number): string => `${value < 0 ? '−' : '+'}${one(Math.abs(value))}`;
  const rows = parts.map(({ name, rssMib, ownMib, cpuMs }, index) =>
    index === 0
      ? `| ${name} | ${one(rssMib)} | ${one(ownMib)} | ${Math.round(cpuMs)} |`
      : `| ${name} | ${plus(rssMib - bare.rssMib)} | ${plus(ownMib - bare.ownMib)} | +${Math.max(0, Math.round(cpuMs - bare.cpuMs))} |`,
  );
  const whole = sidecars.map(({ name, rssMib, ownMib, cpuMs }) => `| ${name} | ${one(rssMib)} | ${one(ownMib)} | ${Math.round(cpuMs)} |`);
  return `# What a sidecar's memory is made of

Written by \`npm run bench:footprint -- --write\`; the comparison with Envoy is in [benchmarks.md](benchmarks.md). MiB resident after 1.5 s, least of three runs,
Node ${node.slice(1)}, Linux. "Own" leaves out pages of Node's own file, which several processes of one machine share. CPU is that of the main thread, in ms.

| idle | RSS | own | CPU |
| --- | --- | --- | --- |
${whole.join('\n')}

| loaded alone | RSS | own | CPU |
| --- | --- | --- | --- |
${rows.join('\n')}

## What keeps it small
| what | where |
| --- | --- |
| a role loads its own chunks, and a builtin module when something of it is first used | \`tools/bundle\` |
| Envoy's messages are read over one table instead of by code of their own | \`src/protobuf\` |
| until there are requests V8 optimizes nothing and the young generation does not grow; then it grows to 8 MiB | \`tools/bundle/program.mjs\`, \`src/cli/sidecar/v8-settings.ts\` |
| young garbage is collected by the thread that made it; what sockets read, which lies outside the heap, each 8 MiB; the old generation is looked through when it has doubled | \`tools/bundle/program.mjs\`, \`src/transport/read-garbage.ts\` |
| nothing that is hot at the start: constants are worked out when the bundle is made | \`tools/bundle/worked-out.mjs\` |
| series of a cluster are named when somebody reads them | \`src/telemetry/scope-series.ts\` |
| a connection's tables and buffers grow with what it carries | \`src/http2\` |
| no timer is armed when nothing is pending | \`src/core/shared-timers.ts\` |
`;
}
