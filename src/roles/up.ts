// `ringway up`: everything on loopback, each part a child process of one supervisor.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../config/index.ts';
import { type Clock, formatHostPort, type HostPort, type Random, RingwayError, sleep } from '../core/index.ts';
import {
  assertFree,
  type ChildSpec,
  controlChild,
  createDisplay,
  type Display,
  egressChild,
  isReady,
  listenersOf,
  type Picture,
  type PlannedChild,
  planInstallation,
  plannedChildren,
  printBootstrap,
  type QuerierReport,
  readReport,
  readRingMembers,
  type Screen,
  Supervisor,
  sampleConfig,
} from '../demo/index.ts';

export interface UpOptions {
  /** The running program: executable and the words before a command. */
  readonly program: readonly [string, ...string[]];
  /** 1 or 2 zones of sample live-stores. */
  readonly zones: number;
  /** Added to every port; to the user's own ring, only to the egress sidecar's. */
  readonly portOffset: number;
  /** The user's ringway.yaml: control and one egress sidecar on it, no samples. */
  readonly configFile: string | null;
  /** The ring of that file to use; null when it has only one. */
  readonly ring: string | null;
  /** NATS servers that are the members' ring, by URL; without any there are sample ring pages. */
  readonly nats: readonly string[];
  /** An Envoy to use as every sidecar. */
  readonly envoy: string | null;
  /** Where one log file a process is kept. */
  readonly logDir: string | null;
  /** Stop by itself this long after it was ready, or when it is not ready within a minute. */
  readonly durationMs: number | null;
}

/** What is started, and where to look whether it works. */
interface Plan {
  readonly children: readonly PlannedChild[];
  readonly listeners: readonly { readonly who: string; readonly address: HostPort }[];
  readonly controlAdmin: HostPort;
  readonly egress: HostPort;
  readonly egressAdmin: HostPort;
  readonly ring: string;
  /** What to say while the ring has no members, unless it is a matter of seconds. */
  readonly emptyRing: string;
  readonly hasQuerier: boolean;
}

const PICTURE_MS = 1_000;
/** With a duration: who is not ready by then will not be. */
const READY_WITHIN_MS = 60_000;
/** How often readiness is looked at before it is reached. */
const STARTING_MS = 150;

/** Runs until `signal` aborts or the duration is over, then stops everything. Resolves with whether it was ready at any time. */
export async function runUp(options: UpOptions, screen: Screen, signal: AbortSignal, clock: Clock, random: Random): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'ringway-up-'));
  const supervisor = new Supervisor(clock, random);
  const display = createDisplay(screen);
  try {
    const plan = options.configFile === null ? await planSamples(options, folder) : await planOwnRing(options, options.configFile);
    await assertFree(plan.listeners);
    if (options.logDir !== null) await mkdir(options.logDir, { recursive: true });
    const specs = await Promise.all(plan.children.map((child) => specOf(child, options, folder)));
    screen.write(whereToLook(plan));
    const newest = keepAll(specs, plan, options, supervisor);
    return await watch(() => takePicture(plan, supervisor, newest()), display, { signal, clock, durationMs: options.durationMs });
  } finally {
    display.end();
    await supervisor.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function planSamples(options: UpOptions, folder: string): Promise<Plan> {
  const installation = planInstallation(options);
  const configFile = join(folder, 'ringway.yaml');
  await writeFile(configFile, sampleConfig(installation));
  const { controlAdmin, egress, egressAdmin } = installation;
  const children = plannedChildren(installation, configFile);
  const emptyRing = options.nats.length > 0 ? `members on ${options.nats.join(', ')} (a server with JetStream: nats-server -js)` : '';
  const listeners = listenersOf(installation);
  return { children, listeners, controlAdmin, egress, egressAdmin, ring: 'live-store', emptyRing, hasQuerier: true };
}

async function planOwnRing(options: UpOptions, configFile: string): Promise<Plan> {
  const config = await loadConfig(configFile);
  const rings = [...config.rings.keys()];
  const ring = options.ring ?? (rings.length === 1 ? rings[0] : undefined);
  if (ring === undefined || !config.rings.has(ring))
    throw new RingwayError(`${configFile} has the rings ${rings.join(', ')}: choose one with --ring`, { code: 'USAGE' });
  const { egress, egressAdmin } = planInstallation(options);
  const [xds, controlAdmin] = [onLoopback(config.control.xds.listen), onLoopback(config.admin.listen)];
  return {
    children: [controlChild(configFile), egressChild({ listen: egress, admin: egressAdmin, xds, ring })],
    listeners: [
      { who: 'control (xDS)', address: config.control.xds.listen },
      { who: 'control (admin)', address: config.admin.listen },
      { who: 'egress sidecar', address: egress },
      { who: 'egress sidecar (admin)', address: egressAdmin },
    ],
    controlAdmin,
    egress,
    egressAdmin,
    ring,
    emptyRing: `members of ${ring}`,
    hasQuerier: false,
  };
}

/** How this machine reaches an address it listens on. */
function onLoopback({ host, port }: HostPort): HostPort {
  return { host: host === '' || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host, port };
}

async function specOf(child: PlannedChild, { program, envoy }: UpOptions, folder: string): Promise<ChildSpec> {
  const [executable, ...before] = program;
  if (child.kind !== 'sidecar') return { name: child.name, program: executable, args: [...before, ...child.words], kind: 'ringway' };
  if (envoy === null) return { name: child.name, program: executable, args: [...before, 'sidecar', ...child.words], kind: 'ringway' };
  const file = join(folder, `${child.name.replaceAll(' ', '-')}.yaml`);
  await printBootstrap(program, child.words, file);
  const flags = ['--service-node', child.node, '--use-dynamic-base-id', '--disable-hot-restart', '--concurrency', '1', '-l', 'warning'];
  return { name: child.name, program: envoy, args: ['-c', file, ...flags], kind: 'foreign' };
}

/** Starts everything. Returns how to ask for the querier's newest report. */
function keepAll(specs: readonly ChildSpec[], plan: Plan, { logDir }: UpOptions, supervisor: Supervisor): () => QuerierReport | null {
  let newest: QuerierReport | null = null;
  specs.forEach((spec, i) => {
    const logFile = logDir === null ? {} : { logFile: join(logDir, `${spec.name.replaceAll(' ', '-')}.log`) };
    const isQuerier = plan.children[i]?.kind === 'querier';
    const onLine = (line: string): void => {
      newest = readReport(line) ?? newest;
    };
    supervisor.keep(spec, isQuerier ? { ...logFile, onLine } : logFile);
  });
  return () => newest;
}

async function takePicture(plan: Plan, supervisor: Supervisor, querier: QuerierReport | null): Promise<Picture> {
  const ring = await readRingMembers(`http://${formatHostPort(plan.controlAdmin)}`, plan.ring);
  const waitsFor = plan.hasQuerier ? waitsForQuery(plan, querier, ring?.length) : await waitsForEgress(plan, ring?.length ?? 0);
  return { children: supervisor.statuses(), ring, querier, isReady: waitsFor === '', waitsFor };
}

/** `members` is undefined while control does not answer. */
function waitsForQuery({ emptyRing }: Plan, querier: QuerierReport | null, members: number | undefined): string {
  if (querier?.phase === 'ready') return '';
  if (members === undefined) return 'control';
  if (members === 0 && emptyRing !== '') return emptyRing;
  return querier && querier.lastError !== '' ? `the first query (${querier.lastError})` : 'the first query';
}

async function waitsForEgress(plan: Plan, members: number): Promise<string> {
  if (members === 0) return plan.emptyRing;
  return (await isReady(`http://${formatHostPort(plan.egressAdmin)}`)) ? '' : 'the egress sidecar';
}

async function watch(
  take: () => Promise<Picture>,
  display: Display,
  { signal, clock, durationMs }: { signal: AbortSignal; clock: Clock; durationMs: number | null },
): Promise<boolean> {
  let untilMs = durationMs === null ? Number.POSITIVE_INFINITY : clock.monotonicMs() + READY_WITHIN_MS;
  let wasReady = false;
  let shownMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted && clock.monotonicMs() < untilMs) {
    const picture = await take();
    const isNews = picture.isReady && !wasReady;
    wasReady ||= picture.isReady;
    if (isNews && durationMs !== null) untilMs = clock.monotonicMs() + durationMs;
    if (isNews || clock.monotonicMs() - shownMs >= PICTURE_MS) {
      display.show(picture);
      shownMs = clock.monotonicMs();
    }
    const nextMs = wasReady ? shownMs + PICTURE_MS - clock.monotonicMs() : STARTING_MS;
    await sleep(clock, Math.max(0, Math.min(nextMs, untilMs - clock.monotonicMs())), signal);
  }
  return wasReady;
}

function whereToLook(plan: Plan): string {
  const admin = `http://${formatHostPort(plan.controlAdmin)}`;
  return `ringway up: ${admin}/api/rings/${plan.ring}  egress ${formatHostPort(plan.egress)}, its admin http://${formatHostPort(plan.egressAdmin)}\n`;
}
