import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Door, Load } from './loads.ts';
import { type Pinned, pin } from './process.ts';

/** Where the backends listen, and the files that both sides of TLS take. */
export interface Site {
  readonly backendPort: number;
  readonly backendTlsPort: number;
  readonly grpcBackendPort: number;
  readonly certificates: Certificates;
}

/** Paths of PEM files. `both` is certificate and key in one, as HAProxy wants them. */
export interface Certificates {
  readonly ca: string;
  readonly server: { readonly certificate: string; readonly key: string; readonly both: string };
  readonly client: { readonly certificate: string; readonly key: string; readonly both: string };
}

/** What a load generator says at the end. */
export interface LoadResult {
  readonly completed: number;
  /** How often which. */
  readonly errors: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly latencyUs: { readonly p50: number; readonly p90: number; readonly p99: number; readonly 'p99.9': number; readonly max: number };
}

/** A load that is connected and waits. */
export interface ReadyLoad {
  /** Makes the calls; resolves when the last has ended. Throws when a call failed. */
  run(): Promise<LoadResult>;
  stop(): Promise<void>;
}

/** More than a load's description. */
export interface RunOptions {
  readonly seconds?: number;
  /** Instead of seconds. */
  readonly requests?: number;
  /** Bytes a second that each connection reads. */
  readonly readRate?: number;
  /** Connections stay open after the result, until stop(). */
  readonly hold?: boolean;
}

/** The programs on both sides of the proxies, on a core of their own. */
export class Ends {
  readonly site: Site;
  readonly #program: string;
  readonly #core: number;
  readonly #backends: readonly [Pinned, Pinned];

  private constructor(program: string, core: number, site: Site, backends: readonly [Pinned, Pinned]) {
    this.#program = program;
    this.#core = core;
    this.site = site;
    this.#backends = backends;
  }

  /** Starts the backends; certificates go into the folder. */
  static async start(program: string, core: number, folder: string): Promise<Ends> {
    await pin(core, [program, 'certificates', folder]).line();
    const certificates = certificatesIn(folder);
    const { certificate, key } = certificates.server;
    const files = ['-ca', certificates.ca, '-certificate', certificate, '-key', key];
    const backend = pin(core, [program, 'backend', '-listen-tls', '127.0.0.1:0', ...files]);
    const grpcBackend = pin(core, [program, 'grpc-backend']);
    const { port, tlsPort } = JSON.parse(await backend.line()) as { port: number; tlsPort: number };
    const grpc = JSON.parse(await grpcBackend.line()) as { port: number };
    const site = { backendPort: port, backendTlsPort: tlsPort, grpcBackendPort: grpc.port, certificates };
    return new Ends(program, core, site, [backend, grpcBackend]);
  }

  /** Connects a load to a port and waits. */
  async connect(load: Load, port: number, options: RunOptions): Promise<ReadyLoad> {
    const { requestBytes, responseBytes } = load;
    const [backend] = this.#backends;
    backend.say(JSON.stringify({ requestBytes, responseBytes }));
    await backend.line();
    const generator = pin(this.#core, [this.#program, load.ends === 'frames' ? 'load' : 'grpc-load', ...this.#flags(load, port, options)]);
    await generator.line();
    return {
      run: async () => {
        generator.say('go');
        const result = JSON.parse(await generator.line()) as LoadResult;
        const errors = Object.entries(result.errors);
        if (errors.length > 0) throw new Error(errors.map(([error, count]) => `${count} × ${error}`).join(', '));
        if (result.completed === 0) throw new Error('no call completed');
        return result;
      },
      stop: () => generator.stop(),
    };
  }

  #flags(load: Load, port: number, options: RunOptions): string[] {
    const values: Record<string, string | number | undefined> = {
      target: `127.0.0.1:${port}`,
      connections: load.connections,
      streams: load.streams,
      rate: load.rate,
      seconds: options.seconds,
      requests: options.requests,
      request: load.requestBytes,
      response: load.responseBytes,
      'read-rate': options.readRate,
      ...this.#clientFiles(load.door),
    };
    const switches = { varying: load.ends === 'frames' && load.varying, echo: load.echo, hold: options.hold };
    return [
      ...Object.entries(values).flatMap(([flag, value]) => (value === undefined ? [] : [`-${flag}`, String(value)])),
      ...Object.entries(switches).flatMap(([flag, on]) => (on ? [`-${flag}`] : [])),
    ];
  }

  #clientFiles(door: Door): Record<string, string> {
    const { ca, client } = this.site.certificates;
    if (door === 'plain') return {};
    return door === 'tls' ? { ca } : { ca, certificate: client.certificate, key: client.key };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#backends.map((backend) => backend.stop()));
  }
}

function certificatesIn(folder: string): Certificates {
  const pair = (name: string): Certificates['server'] => {
    const files = {
      certificate: join(folder, `${name}.pem`),
      key: join(folder, `${name}-key.pem`),
      both: join(folder, `${name}-both.pem`),
    };
    writeFileSync(files.both, [files.certificate, files.key].map((file) => readFileSync(file, 'utf8')).join(''), { mode: 0o600 });
    return files;
  };
  return { ca: join(folder, 'ca.pem'), server: pair('server'), client: pair('client') };
}
