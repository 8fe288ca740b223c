import { join } from 'node:path';
import { freePorts } from '../../../test/support/ports.ts';
import { pin } from '../process.ts';
import { listening } from './ready.ts';
import type { ProxyKind } from './types.ts';

/** A proxy in Node that knows no HTTP: what the sockets alone cost. */
export function l4Kind(): ProxyKind {
  return {
    name: 'l4',
    title: 'Node L4 pipe',
    missing: () => undefined,
    version: async () => process.versions.node,
    async start({ site, core }) {
      const [frames, grpc] = (await freePorts(2)) as [number, number];
      const pairs = [frames, site.backendPort, grpc, site.grpcBackendPort].map(String);
      const program = pin(core, [process.execPath, join(import.meta.dirname, 'l4-pipe.ts'), ...pairs]);
      const [readyMs] = await Promise.all([listening(program, frames), listening(program, grpc)]);
      const port = (ends: 'frames' | 'grpc-go'): number => (ends === 'frames' ? frames : grpc);
      return { pid: program.pid, readyMs, port: (door, ends) => (door === 'plain' ? port(ends) : undefined), stop: () => program.stop() };
    },
  };
}
