// `ringway control`: sources → catalog → stage → snapshots → xDS, and the pages that show it.
import { createAdminServer, createProbeServer } from '../admin/index.ts';
import type { RingwayConfig } from '../config/index.ts';
import { controlRoutes, createSnapshotSource, readinessOf, StageDriver } from '../control/index.ts';
import { type Clock, type HostPort, type Random, type Service, startAll, stopAll } from '../core/index.ts';
import { MembershipHub, type OwnAddresses } from '../membership/index.ts';
import { type Logger, MetricRegistry } from '../telemetry/index.ts';
import { localAddresses } from '../transport/index.ts';
import { createXdsServer } from '../xds/server/index.ts';
import { ConfigReload } from './config-reload.ts';
import { tellExposedSources } from './exposed-sources.ts';
import { RingInputs } from './ring-inputs.ts';

export interface ControlOptions {
  readonly config: RingwayConfig;
  /** The file that the configuration came from: watched, and read again by `reload`; null when there is none. */
  readonly configFile: string | null;
  /** Where probes alone are answered; null: nowhere but on the admin server. */
  readonly probe: HostPort | null;
}

export interface ControlDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Of the process: where secrets and a pod's API server may stand. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/** A running control server. */
export interface ControlRole extends Service {
  /** host:port each is bound to; they throw before `start`. `probe` is null when there is no probe server. */
  readonly addresses: { readonly xds: string; readonly admin: string; readonly probe: string | null };
  /** Reads ringway.yaml and every file that sources read again (SIGHUP). A bad file is told and leaves everything as it is. */
  reload(): Promise<void>;
}

/** Builds everything; nothing is bound before `start`. Throws RingwayError `CONFIG_NO_RING`, `XDS_EXPOSED`, `ADMIN_EXPOSED`; `start` throws `XDS_LISTEN`, `ADMIN_LISTEN`. */
export function createControl({ config: inUse, configFile, probe }: ControlOptions, deps: ControlDeps): ControlRole {
  const { clock, random, environment, logger } = deps;
  const metrics = new MetricRegistry();
  const inputs = new RingInputs({ clock, random, environment, mayWrite: true });
  const hub = new MembershipHub(inputs.of(inUse), { clock, logger, metrics, own: ownAddresses(inUse, probe) });
  const { catalog } = hub;
  const driver = new StageDriver({ catalog, clock, logger, metrics });
  const { stage } = driver;
  const source = createSnapshotSource({ catalog, stage, logger, metrics });
  const xds = createXdsServer({ source, clock, logger, metrics, ...inUse.control.xds });
  const routes = controlRoutes({ catalog, stage, clients: () => xds.clients(), clock, metrics });
  const admin = createAdminServer({ routes, clock, logger, metrics, ...inUse.admin });
  const probes = probe && createProbeServer({ listen: probe, clock, ready: () => readinessOf(catalog.value, stage.value) });
  tellExposedSources(inUse, logger, metrics);
  const apply = (next: RingwayConfig): Promise<void> => {
    tellExposedSources(next, logger, metrics);
    return hub.apply(inputs.of(next));
  };
  const config = configFile === null ? [] : [new ConfigReload(configFile, inUse, apply, deps)];
  const services: readonly Service[] = [
    // Whoever asks is answered from the beginning: not ready, and why.
    ...(probes ? [probes] : []),
    admin,
    driver,
    hub,
    ...config,
    // Last in, first out: clients come when there may be something to say, and are let go before what they look at stops.
    xds,
  ];
  return {
    name: 'control',
    get addresses() {
      return { xds: xds.address, admin: admin.address, probe: probes?.address ?? null };
    },
    start: () => startAll(services),
    stop: () => stopAll(services),
    async reload() {
      hub.reload();
      for (const file of config) await file.reload();
    },
  };
}

/** A ring that names one of these sends nobody to control itself. */
function ownAddresses({ control, admin }: RingwayConfig, probe: HostPort | null): OwnAddresses {
  const listeners = [
    { what: 'xDS port', listen: control.xds.listen },
    { what: 'admin port', listen: admin.listen },
    ...(probe === null ? [] : [{ what: 'probe port', listen: probe }]),
  ];
  return { machine: localAddresses(), listeners };
}
