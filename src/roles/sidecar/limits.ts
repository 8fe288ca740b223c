import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { BufferBudget } from '../../http2/index.ts';
import { ConnectionLimit } from '../../proxy/listener/index.ts';
import type { LimitsPlan } from '../../proxy/runtime/index.ts';
import { type MetricRegistry, rootScope } from '../../telemetry/index.ts';

/** What this process may use at most. */
export interface Machine {
  /** Octets: of the container, else of the machine. */
  readonly memory: number;
  readonly openFiles: number;
}

/** What a connection costs with its streams and buffers when nothing is stuck, with room to spare. */
const OCTETS_PER_CONNECTION = 65_536;
/** Each connection may need another one upstream. */
const FILES_PER_CONNECTION = 2;
const MEBIBYTE = 1_048_576;
const BUDGET_BOUNDS = { least: 64 * MEBIBYTE, most: 1024 * MEBIBYTE };

/** The limits that listeners and pools of one process share: as the bootstrap says, else what this machine bears. */
export function processLimits(
  plan: LimitsPlan,
  { memory, openFiles }: Machine,
  registry: MetricRegistry,
): {
  readonly budget: BufferBudget;
  readonly connections: ConnectionLimit;
  readonly connectionsOf: LimitsPlan['listenerConnections'];
  readonly maxPrematureResets?: number;
  readonly timeoutIsDeadlineExceeded: boolean;
} {
  const bearable = Math.floor(Math.min(memory / OCTETS_PER_CONNECTION, openFiles / FILES_PER_CONNECTION));
  const quarter = Math.min(Math.max(memory / 4, BUDGET_BOUNDS.least), BUDGET_BOUNDS.most);
  const resets = rootScope(registry, 'overload.envoy.overload_actions.reset_high_memory_stream').counter('count');
  return {
    budget: new BufferBudget(plan.maxBuffered ?? quarter, resets),
    connections: new ConnectionLimit(plan.maxConnections ?? bearable),
    connectionsOf: plan.listenerConnections,
    timeoutIsDeadlineExceeded: plan.timeoutIsDeadlineExceeded,
    ...(plan.maxPrematureResets === null ? {} : { maxPrematureResets: plan.maxPrematureResets }),
  };
}

/** What the kernel says; without /proc the usual limit of open files is taken. */
export function machine(): Machine {
  const memory = process.constrainedMemory();
  return { memory: memory > 0 && memory < totalmem() ? memory : totalmem(), openFiles: openFiles() };
}

function openFiles(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return 1024;
  }
}
