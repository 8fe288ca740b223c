// How long the event loop stands still while a sidecar takes a large configuration over xDS: node bench/micro/apply.bench.ts [clusters] [--write]
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { systemClock, systemRandom, timeSlices } from '../../src/core/index.ts';
import { egressBootstrap } from '../../src/proxy/bootstrap/index.ts';
import { planBootstrap } from '../../src/proxy/runtime/index.ts';
import { createDataPlane, type DataPlane } from '../../src/roles/sidecar/data-plane.ts';
import { MetricRegistry, silentLogger } from '../../src/telemetry/index.ts';
import { AdsClient } from '../../src/xds/client/index.ts';
import type { AdsStreamHandler } from '../../src/xds/client/types.ts';
import { clusterResponse, endpointResponse, listenerResponse, routeResponse } from './apply-responses.ts';

/** CPU time of the turns of the event loop: what a stall is on a machine that has nothing else to do. */
class Turns {
  readonly #began = process.threadCpuUsage();
  #longestUs = 0;
  #lastUs = 0;
  #isOver = false;

  constructor() {
    setImmediate(() => this.#next());
  }

  stop(): { readonly longestMs: number; readonly cpuMs: number } {
    this.#isOver = true;
    return { longestMs: this.#longestUs / 1e3, cpuMs: this.#lastUs / 1e3 };
  }

  #next(): void {
    const { user, system } = process.threadCpuUsage(this.#began);
    this.#longestUs = Math.max(this.#longestUs, user + system - this.#lastUs);
    this.#lastUs = user + system;
    if (!this.#isOver) setImmediate(() => this.#next());
  }
}

const count = Number(process.argv[2] ?? 1_000) || 1_000;
const registry = new MetricRegistry();
const bootstrap = egressBootstrap({
  ring: 'live-store',
  nodeId: 'n',
  listen: { host: '127.0.0.1', port: 0 },
  control: { host: '127.0.0.1', port: 1 },
});
const plan = planBootstrap(bootstrap, '0');
const plane = createDataPlane(plan, {
  clock: systemClock,
  random: systemRandom,
  logger: silentLogger,
  registry,
  environment: {},
  drainTimeMs: 1_000,
  place: { kind: 'alone' },
});
const control = connectedControl(plane);
await plane.runtime.start();

const results: object[] = [];
const clusters = (): number => plane.runtime.resources().clusters.length - plan.clusters.length;
await step('CDS', clusterResponse(count, '1'), () => clusters() === count);
await step('EDS', endpointResponse(count, '1'), () => plane.runtime.config.value.clusters.size > count);
await step('LDS', listenerResponse('1'), () => plane.runtime.resources().listeners.length === 1);
await step('RDS', routeResponse(count, '1'), () => plane.runtime.config.value.routes.size === 1);
await step('CDS again, unchanged', clusterResponse(count, '1', '2'), () => plane.runtime.resources().versions.size > 0);
await step('CDS, every cluster changed', clusterResponse(count, '3'), () => true);
await step('EDS, every assignment changed', endpointResponse(count, '3'), () => true);
await step('CDS, half of them gone', clusterResponse(count / 2, '3'), () => true);

for (const result of results) console.log(JSON.stringify(result));
if (process.argv.includes('--write')) {
  const report = { node: process.version, clusters: count, unit: 'ms the event loop was late', results };
  writeFileSync(join(import.meta.dirname, '../results/micro-apply.json'), `${JSON.stringify(report, null, 2)}\n`);
}
process.exit(0);

interface Control {
  /** Delivers a response; resolves once it was answered. */
  answered(message: Uint8Array): Promise<void>;
}

function connectedControl({ runtime }: DataPlane): Control {
  let handler: AdsStreamHandler | undefined;
  let onSend = (): void => {};
  const client = new AdsClient({
    transport: {
      open: (_method, given) => {
        handler = given;
        return { send: () => onSend(), close: () => {} };
      },
    },
    variant: 'sotw',
    node: plan.node,
    setNodeOnFirstMessageOnly: true,
    backoff: { baseMs: 500, maxMs: 500 },
    sink: runtime,
    clock: systemClock,
    slices: timeSlices(systemClock),
    random: systemRandom,
    registry,
    log: silentLogger,
  });
  runtime.interests.subscribe((wanted) => client.want(wanted));
  client.want(runtime.interests.value);
  client.start();
  return {
    answered: (message) =>
      new Promise((resolve) => {
        onSend = () => setTimeout(resolve, 20);
        handler?.onMessage(message);
      }),
  };
}

async function step(name: string, message: Uint8Array, isDone: () => boolean): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const turns = new Turns();
  const beganMs = performance.now();
  await control.answered(message);
  while (!isDone()) await new Promise((resolve) => setImmediate(resolve));
  const ms = performance.now() - beganMs;
  const { longestMs, cpuMs } = turns.stop();
  await new Promise((resolve) => setTimeout(resolve, 5));
  delay.disable();
  const late = (ns: number): number => Math.max(0, round(ns / 1e6 - 1));
  results.push({
    step: name,
    kib: Math.round(message.length / 1024),
    ms: Math.round(ms),
    cpuMs: round(cpuMs),
    longestTurnCpuMs: round(longestMs),
    lateMs: { p99: late(delay.percentile(99)), p999: late(delay.percentile(99.9)), max: late(delay.max) },
  });
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
