import { type HostPort, parseHostPort, type Service, systemClock, systemRandom } from '../core/index.ts';
import { controlRing, type QuerierOptions, readReplicationSets, SampleDistributor, SampleLiveStore, SampleQuerier } from '../demo/index.ts';
import { type Command, type CommandIo, EXIT, UsageError } from './command.ts';
import { parseFlags, parseInteger } from './flags.ts';

/** The sample processes that `up` starts; of use by hand too, so they have a command, which the list leaves out. */
export const demoCommand: Command = {
  name: 'demo',
  help: () => `The sample processes of \`ringway up\`, one at a time. They hold no real data.

usage: ringway demo distributor --listen 127.0.0.1:3200 [--expect N]
       ringway demo live-store --id live-store-zone-a-0 --zone zone-a --partition 0 --partitions 2 [--ring http://127.0.0.1:3200]
                               [--listen 127.0.0.1:9095] [--advertise host:port] [--http 127.0.0.1:0] [--share 0/1] [--multitenant]
       ringway demo querier --egress 127.0.0.1:9096 --ring http://127.0.0.1:3200 --partitions 2 [--tenant single-tenant]
                            (or instead of --ring: --control http://127.0.0.1:9902, the ring as control knows it)

  distributor  stands where Tempo's does: shows both rings, /live-store/ring, /partition-ring, /memberlist?downloadKey=
  live-store   answers tempopb.Querier and tempopb.Metrics over computed data; errs when metadata asks for it
               (x-sample-delay-ms: 2000, x-sample-fail: lag, x-sample-pad-bytes: 1000000)
  querier      asks every partition once a second through an egress sidecar and prints a JSON line a round

example:
  ringway demo live-store --id live-store-zone-a-0 --zone zone-a --partition 0 --partitions 1 --ring http://127.0.0.1:3200 --listen 127.0.0.1:9095
`,
  run(args, io) {
    const [part, ...rest] = args;
    const build = PARTS.get(part ?? '');
    if (!build) throw new UsageError(`"${part ?? ''}" is no sample process; allowed: ${[...PARTS.keys()].join(', ')}`);
    return runUntilStopped(build(rest, io), io);
  },
};

type Build = (args: readonly string[], io: CommandIo) => Service;

const PARTS: ReadonlyMap<string, Build> = new Map([
  ['distributor', distributor],
  ['live-store', liveStore],
  ['querier', querier],
]);

function distributor(args: readonly string[]): Service {
  const { values } = parseFlags(args, { listen: { type: 'string' }, expect: { type: 'string', default: '1' } });
  const expect = parseInteger('--expect', values.expect, { min: 0, max: 10_000 });
  return new SampleDistributor({ listen: address('--listen', values.listen), expect }, systemClock);
}

function liveStore(args: readonly string[]): Service {
  const { values } = parseFlags(args, {
    id: { type: 'string' },
    zone: { type: 'string', default: '' },
    partition: { type: 'string' },
    partitions: { type: 'string' },
    share: { type: 'string', default: '0/1' },
    listen: { type: 'string', default: '127.0.0.1:9095' },
    http: { type: 'string', default: '127.0.0.1:0' },
    advertise: { type: 'string', default: '' },
    ring: { type: 'string' },
    multitenant: { type: 'boolean', default: false },
  });
  const partitions = parseInteger('--partitions', required('--partitions', values.partitions), { min: 1, max: 10_000 });
  const [share = '', shares = ''] = values.share.split('/');
  const shareCount = parseInteger('--share', shares, { min: 1, max: 100 });
  return new SampleLiveStore(
    {
      id: required('--id', values.id),
      zone: values.zone,
      holding: {
        partition: parseInteger('--partition', required('--partition', values.partition), { min: 0, max: partitions - 1 }),
        partitions,
        share: parseInteger('--share', share, { min: 0, max: shareCount - 1 }),
        shares: shareCount,
      },
      listen: address('--listen', values.listen),
      http: address('--http', values.http),
      advertise: values.advertise,
      ringUrl: values.ring ?? null,
      isMultitenant: values.multitenant,
    },
    systemClock,
  );
}

function querier(args: readonly string[], io: CommandIo): Service {
  const { values } = parseFlags(args, {
    egress: { type: 'string' },
    ring: { type: 'string' },
    control: { type: 'string' },
    partitions: { type: 'string' },
    tenant: { type: 'string', default: 'single-tenant' },
  });
  const options = {
    egress: address('--egress', values.egress),
    readRing: ringOf(values),
    partitions: parseInteger('--partitions', required('--partitions', values.partitions), { min: 1, max: 10_000 }),
    tenant: values.tenant,
  };
  return new SampleQuerier(options, (report) => io.stdout.write(`${JSON.stringify(report)}\n`), systemClock, systemRandom);
}

function ringOf({ ring, control }: { readonly ring?: string; readonly control?: string }): QuerierOptions['readRing'] {
  if (control !== undefined) return controlRing(control, 'live-store');
  const url = required('--ring', ring);
  return () => readReplicationSets(url);
}

async function runUntilStopped(service: Service, io: CommandIo): Promise<number> {
  await service.start();
  io.stderr.write(`${service.name}: started\n`);
  await new Promise<void>((resolve) => {
    if (io.signal.aborted) resolve();
    io.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await service.stop();
  return EXIT.ok;
}

function required(flag: string, value: string | undefined): string {
  if (value === undefined) throw new UsageError(`${flag} is needed`);
  return value;
}

function address(flag: string, text: string | undefined): HostPort {
  const parsed = parseHostPort(required(flag, text));
  return parsed.host === '' ? { ...parsed, host: '0.0.0.0' } : parsed;
}
