import type { Clock } from '../../../core/index.ts';
import { type AdminPage, type AdminReply, json, text } from '../page.ts';
import type { ServerInfo, ServerState } from '../types.ts';

/** Bytes, as process.memoryUsage gives them. */
export interface MemoryUse {
  readonly rss: number;
  readonly heapTotal: number;
  readonly heapUsed: number;
  readonly external: number;
}

export interface ProcessPageOptions {
  readonly info: ServerInfo;
  readonly state: () => ServerState;
  readonly memory: () => MemoryUse;
  readonly clock: Clock;
  /** Brings `memory` up to date. */
  refresh(): void | Promise<void>;
}

/** Pages about the process itself: `/server_info`, `/memory`, and those that have nothing to tell here but are asked for by tools. */
export function processPages(options: ProcessPageOptions): AdminPage[] {
  return [
    { path: '/server_info', method: 'GET', summary: 'print server version/status information', reply: () => json(serverInfo(options)) },
    { path: '/memory', method: 'GET', summary: 'print current allocation/heap usage', reply: () => memory(options) },
    { path: '/hot_restart_version', method: 'GET', summary: 'print the hot restart compatibility version', reply: () => text('disabled') },
  ];
}

function serverInfo({ info, state, clock }: ProcessPageOptions): unknown {
  const uptime = `${Math.floor((clock.nowMs() - info.startedMs) / 1000)}s`;
  return {
    version: info.version,
    state: state(),
    uptime_current_epoch: uptime,
    uptime_all_epochs: uptime,
    hot_restart_version: 'disabled',
    hot_restart_initializing: false,
    command_line_options: info.commandLine,
    node: info.node,
  };
}

/** envoy.admin.v3.Memory: 64-bit numbers are strings in canonical JSON. */
async function memory(options: ProcessPageOptions): Promise<AdminReply> {
  await options.refresh();
  const use = options.memory();
  return json({
    allocated: String(use.heapUsed + use.external),
    heap_size: String(use.heapTotal),
    pageheap_unmapped: '0',
    pageheap_free: String(use.heapTotal - use.heapUsed),
    total_thread_cache: '0',
    total_physical_bytes: String(use.rss),
  });
}
