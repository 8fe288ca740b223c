import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EnvoyProcess, startEnvoy } from '../support/envoy.ts';
import { answerGrpc, createClient, type Peer, startPeer } from '../support/h2-peers.ts';
import { clusterYaml, listenerYaml } from '../support/sidecar.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

/** A proxy under attack: real Envoy or our sidecar, each a process of its own with the same bootstrap. */
export interface Target {
  readonly port: number;
  readonly process: EnvoyProcess;
  /** Remembers what is counted so far. */
  settle(): Promise<void>;
  /** Resolves once a counter is higher than at the last `settle`. */
  counted(stat: string): Promise<void>;
  /** Resolves once `test` of all stats holds. */
  until(test: (stats: ReadonlyMap<string, number>) => boolean, timeoutMs?: number): Promise<void>;
  /** Resolves when a request on a new connection comes back from the upstream. */
  serves(): Promise<boolean>;
  /** Resident memory in octets. */
  rss(): number;
  /** Open files and sockets. */
  files(): number;
  /** Gives it a moment and little work until it has no more than `octets`; false if that does not happen. */
  rssBelow(octets: number): Promise<boolean>;
}

const LARGE = Buffer.alloc(4 << 20, 'x');

/** An upstream that says so in its answers; `/large` is answered with 4 MiB, `/<n>MiB` with as many as that. */
export function startUpstream(): Promise<Peer> {
  return startPeer((stream, { ':path': path }) => {
    const size = /^\/(\d+)MiB$/.exec(path ?? '')?.[1];
    const body = path === '/large' ? LARGE : size === undefined ? undefined : Buffer.alloc(Number(size) << 20, 'x');
    answerGrpc(stream, { headers: { 'x-upstream': 'yes' }, ...(body ? { body } : {}) });
  });
}

/**
 * One listener, `abuse`, in front of one cluster. Envoy is not to linger a second after each attack. `manager`: more fields of the
 * connection manager; `top`: more of the bootstrap.
 */
export function bootstrapTo(upstream: string, more: { readonly manager?: string; readonly top?: string } = {}): string {
  const fields = `delayed_close_timeout: 0.1s, ${more.manager === undefined ? '' : `${more.manager}, `}stat_prefix:`;
  const listener = listenerYaml('abuse', 0, { cluster: 'up' }).replace('stat_prefix:', fields);
  return `static_resources: { listeners: [${listener}], clusters: [${clusterYaml('up', upstream)}] }\n${more.top ?? ''}`;
}

/** Starts Envoy or our sidecar with a bootstrap whose listener is called `abuse`. */
export async function startTarget(kind: 'envoy' | 'ringway', bootstrap: string): Promise<Target> {
  const started = await startEnvoy(bootstrap, {
    logLevel: 'error',
    // a young generation that does not grow with each flood
    ...(kind === 'ringway' ? { program: [process.execPath, '--max-semi-space-size=2', MAIN, 'sidecar'] } : {}),
  });
  await started.waitReady();
  const port = await started.listenerPort('abuse');
  let settled: ReadonlyMap<string, number> = new Map();
  const until: Target['until'] = (test, timeoutMs = 5_000) => started.waitStats(test, { timeoutMs });
  const serves = async (): Promise<boolean> => {
    const client = createClient(`127.0.0.1:${port}`);
    const { headers } = await client.call();
    await client.close();
    return headers['x-upstream'] === 'yes';
  };
  const rss = (): number => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${started.pid}/status`, 'utf8'))?.[1]) * 1024;
  return {
    port,
    process: started,
    settle: async () => {
      settled = await started.stats();
    },
    counted: (stat) => until((now) => (now.get(stat) ?? 0) > (settled.get(stat) ?? 0)),
    until,
    serves,
    rss,
    files: () => readdirSync(`/proc/${started.pid}/fd`).length,
    async rssBelow(octets) {
      for (let tries = 0; tries < 200 && rss() > octets; tries += 1) await serves();
      return rss() <= octets;
    },
  };
}
