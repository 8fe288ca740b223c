// The rings of a running Tempo, over HTTP from any of its processes that load them. Begin with watch.ts, then read.ts.
export type { TempoSourceOptions } from './options.ts';
export { createTempoSource } from './watch.ts';
