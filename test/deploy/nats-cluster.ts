// The NATS of deploy/kubernetes as real servers on this machine: its own configuration, with addresses and folders moved.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { freePorts } from '../support/ports.ts';
import { accounts, filesOf, renderings } from './installation.ts';

export interface NatsCluster {
  readonly urls: readonly string[];
  /** Monitoring pages, as probes ask them. */
  readonly monitors: readonly string[];
  /** Where routes are taken. */
  readonly routes: readonly string[];
  /** Files with seeds, by the name in the Secrets: `control.nk`, `<member>.nk`. */
  readonly seed: (file: string) => string;
  /** A further server, with a configuration of its own; resolves with what it logs until a line fits. */
  logOf(config: string, line: RegExp): Promise<string>;
}

/** As many servers as the StatefulSet has; they end with the test. */
export async function startNatsCluster(t: Test, binary: string, members: readonly string[]): Promise<NatsCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'ringway-deploy-nats-'));
  const running: ChildProcess[] = [];
  t.teardown(async () => {
    await Promise.all(running.map(kill));
    rmSync(folder, { recursive: true, force: true });
  });
  const manifests = [...renderings().ringway, ...accounts(members)];
  const find = (kind: string, name: string) => manifests.find((one) => one.kind === kind && one.metadata.name === name);
  const replicas = Number(find('StatefulSet', 'ringway-nats')?.spec?.['replicas']);
  const ports = await freePorts(3 * replicas);
  const [clients, routes, monitors] = [0, 1, 2].map((kind) => ports.slice(kind * replicas, (kind + 1) * replicas)) as [
    number[],
    number[],
    number[],
  ];
  const moved = (text: string, index: number): string =>
    text
      .replace(/ringway-nats-(\d)\.ringway-nats:6222/g, (_, number: string) => `127.0.0.1:${routes[Number(number)]}`)
      .replaceAll('0.0.0.0:4222', `127.0.0.1:${clients[index]}`)
      .replaceAll('0.0.0.0:6222', `127.0.0.1:${routes[index]}`)
      .replaceAll('0.0.0.0:8222', `127.0.0.1:${monitors[index]}`)
      .replaceAll(/\/(data|run\/nats)\b/g, (path) => join(folder, String(index), path));
  const start = (directory: string, name: string): ChildProcess => {
    const server = spawn(binary, ['--config', join(directory, 'nats.conf')], {
      env: { POD_NAME: name },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    running.push(server);
    return server;
  };
  for (let index = 0; index < replicas; index++) {
    const directory = join(folder, String(index));
    mkdirSync(join(directory, 'run/nats'), { recursive: true });
    const files = filesOf(find('ConfigMap', 'ringway-nats'), find('Secret', 'ringway-nats-server'));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), moved(text, index));
    start(directory, `ringway-nats-${index}`).stderr?.resume();
  }
  const seeds = filesOf(find('Secret', 'ringway-nats-control'), find('Secret', 'ringway-nats-members'));
  for (const [file, text] of Object.entries(seeds)) writeFileSync(join(folder, file), text);
  await Promise.all(monitors.map((port) => answersOk(`http://127.0.0.1:${port}/healthz`)));
  return {
    urls: clients.map((port) => `nats://127.0.0.1:${port}`),
    monitors: monitors.map((port) => `http://127.0.0.1:${port}`),
    routes: routes.map((port) => `127.0.0.1:${port}`),
    seed: (file) => join(folder, file),
    async logOf(config, line) {
      const directory = mkdtempSync(join(folder, 'other-'));
      writeFileSync(join(directory, 'nats.conf'), config);
      let log = '';
      for await (const chunk of start(directory, 'other').stderr ?? []) {
        log += String(chunk);
        if (line.test(log)) break;
      }
      return log;
    },
  };
}

/** Resolves when a page answers 200. */
async function answersOk(url: string): Promise<void> {
  for (;;) {
    const isOk = await fetch(url).then(
      (answer) => answer.body?.cancel().then(() => answer.ok) ?? answer.ok,
      () => false,
    );
    if (isOk) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function kill(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGKILL');
  await ended;
}
