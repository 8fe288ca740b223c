// The program `ringway`: one table of commands, each loaded when it is asked for.
import { finish, processIo } from './process-io.ts';
import { type CommandEntry, runProgram } from './program.ts';
import { version } from './version.ts';

const commands: readonly CommandEntry[] = [
  {
    name: 'up',
    summary: 'everything on loopback with sample live-stores: see it work',
    load: async () => (await import('./up.ts')).upCommand,
  },
  { name: 'control', summary: 'the control server: rings in, xDS out', load: async () => (await import('./control.ts')).controlCommand },
  {
    name: 'ring',
    summary: 'look at a ring: zones × partitions, what is wrong, what to do',
    load: async () => (await import('./ring.ts')).ringCommand,
  },
  {
    name: 'sidecar',
    summary: 'the data plane beside a live-store or a querier; takes an Envoy bootstrap',
    load: async () => (await import('./sidecar.ts')).sidecarCommand,
  },
  {
    name: 'bootstrap',
    summary: 'print the bootstrap of a sidecar, for Envoy or for ringway sidecar',
    load: async () => (await import('./bootstrap.ts')).bootstrapCommand,
  },
  { name: 'call', summary: 'call a gRPC method by hand', load: async () => (await import('./call.ts')).callCommand },
  { name: 'sidecar-worker', summary: '', load: async () => (await import('./sidecar-worker.ts')).sidecarWorkerCommand },
  { name: 'demo', summary: '', load: async () => (await import('./demo.ts')).demoCommand },
];

const io = processIo();
process.exit(await finish(io, await runProgram(process.argv.slice(2), io, { commands, version })));
