// docs/reference/robustness.md: what the long runs came to, from the files that they write to bench/results.
import { readFileSync } from 'node:fs';
import { table } from './table.ts';

interface Run {
  readonly command: string;
  readonly date: string;
  readonly node: string;
}

interface Conformance extends Run {
  readonly counts: readonly {
    readonly suite: string;
    readonly peer: string;
    readonly passed: number;
    readonly of: number;
    readonly failed: Readonly<Record<string, string>>;
  }[];
}

interface Soak extends Run {
  readonly results: readonly {
    readonly way: string;
    readonly calls: number;
    readonly byStatus: Readonly<Record<string, number>>;
    readonly wrong: number;
    readonly bytes: number;
    readonly ms: number;
  }[];
}

interface Fuzz extends Run {
  readonly seed: number;
  readonly frames: number;
  readonly cases: number;
  readonly seconds: number;
  readonly failures: number;
  readonly memory: { readonly first: number; readonly last: number };
}

export function robustnessPage(): string {
  const [conformance, soak, fuzz] = [result<Conformance>('conformance'), result<Soak>('echo-soak'), result<Fuzz>('fuzz')];
  return `# Robustness: what the long runs came to

Made from \`bench/results\` by \`npm run reference\`; do not edit. Each command writes its file there when it ends with \`--write\`; shorter forms
of all of them run with every \`npm test\`. What a hostile peer meets is in [abuse.md](abuse.md).

## HTTP/2 and gRPC conformance

${ranWith(conformance)} The suites run against \`ringway sidecar\` as a process. Versions are those of \`test/interop/go/go.mod\`.

${table(
  ['suite', 'peer', 'passed', 'failed'],
  conformance.counts.map(({ suite, peer, passed, of, failed }) => [suite, `\`${peer}\``, `${passed} of ${of}`, reasons(failed)]),
)}

## Echo soak

${ranWith(soak)} grpc-go on both ends, with a querier's and a live-store's settings; bodies of up to 4 MiB, most of them small, the mean some
280 KB. One call in ten is given up at any moment, one in ten has a deadline that may not suffice, one in ten is answered with an error.
Bodies, metadata, statuses and messages are compared on both ends; afterwards no server may still run a call.

${table(
  ['way', 'calls', 'by grpc-status', 'bodies', 'time', 'bad'],
  soak.results.map(({ way, calls, byStatus, wrong, bytes, ms }) => [
    way,
    String(calls),
    statuses(byStatus),
    `${(bytes / 1e9).toFixed(1)} GB`,
    `${(ms / 1000).toFixed(0)} s`,
    String(wrong),
  ]),
)}

## Fuzzer

${ranWith(fuzz)} Valid traffic is harmed on its way (bits, lengths, ids, order, whole frames), cut into random chunks, and sent to the engine as a server,
as a client, and to the whole data path with callers and upstreams at once. After each case: nothing was thrown that nobody caught, each
stream ended once for its handler, what the engine sent was right by RFC 9113 and within every window, a caller without fault was served,
no counter, timer or memory was left over. A case comes again by \`npm run fuzz -- --seed N --case N\`.

${table(
  ['seed', 'frames', 'cases', 'time', 'failed', 'memory in use, begin and end'],
  [
    [
      String(fuzz.seed),
      String(fuzz.frames),
      String(fuzz.cases),
      `${fuzz.seconds.toFixed(0)} s`,
      String(fuzz.failures),
      `${mib(fuzz.memory.first)}, ${mib(fuzz.memory.last)}`,
    ],
  ],
)}
`;
}

function result<Content>(name: string): Content {
  return JSON.parse(readFileSync(new URL(`../../bench/results/${name}.json`, import.meta.url), 'utf8')) as Content;
}

function ranWith({ command, date, node }: Run): string {
  return `\`${command}\`, ${date}, Node ${node.slice(1)}.`;
}

function reasons(failed: Readonly<Record<string, string>>): string {
  const all = Object.entries(failed).map(([name, reason]) => `${name} (${reason})`);
  return all.length === 0 ? 'none' : all.join('; ');
}

function statuses(byStatus: Readonly<Record<string, number>>): string {
  const [ok, others] = [byStatus['0'] ?? 0, Object.entries(byStatus).filter(([status]) => status !== '0')];
  return `0: ${ok}, ${others.map(([status, calls]) => `${status}: ${calls}`).join(', ')}`;
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
