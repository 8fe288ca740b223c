import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { peer } from './peers.ts';
import { freePort } from './ports.ts';

/** A real nats-server with JetStream, on a port of its own and with a folder that outlives it. */
export class NatsServer {
  readonly port: number;
  readonly #binary: string;
  readonly #config: string;
  readonly #environment: Readonly<Record<string, string>>;
  #process: ChildProcess | null = null;

  constructor(binary: string, port: number, config: string, environment: Readonly<Record<string, string>>) {
    this.port = port;
    this.#binary = binary;
    this.#config = config;
    this.#environment = environment;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const started = spawn(this.#binary, ['-c', this.#config], { stdio: 'ignore', env: { ...process.env, ...this.#environment } });
    this.#process = started;
    while (!(await answers(this.port))) {
      if (started.exitCode !== null) throw new Error(`nats-server ended with ${started.exitCode}: ${this.#config}`);
    }
  }

  /** As a crash does, unless another signal is given. Resolves when it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const running = this.#process;
    this.#process = null;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill('SIGCONT');
    running.kill(signal);
    await ended;
  }

  /** It stands still, its connections open: SIGSTOP. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  proceed(): void {
    this.#process?.kill('SIGCONT');
  }
}

export interface NatsServerOptions {
  /** More of its configuration: accounts, tls, cluster. */
  readonly config?: string;
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly name?: string;
  /** Variables that its configuration names. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A server that is not started yet; it ends with the test. Undefined when nats-server is absent: the test is skipped then. */
export async function natsServer(
  t: Test,
  { config = '', port, host = '127.0.0.1', name, environment = {} }: NatsServerOptions = {},
): Promise<NatsServer | undefined> {
  const binary = peer(t, 'nats-server');
  if (binary === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'ringway-nats-'));
  const file = join(folder, 'nats.conf');
  const listen = port ?? (await freePort());
  const lines = [`listen: "${host}:${listen}"`, ...(name === undefined ? [] : [`server_name: ${name}`])];
  const store = /^jetstream/m.test(config) ? '' : `jetstream { store_dir: "${join(folder, 'store')}" }`;
  writeFileSync(file, `${lines.join('\n')}\n${store}\n${config}\n`);
  const server = new NatsServer(binary, listen, file, environment);
  t.teardown(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return server;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => setTimeout(() => resolve(false), 20));
  });
}
