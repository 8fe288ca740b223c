// dskit's rings in Consul's key-value store. Begin with watch.ts, then read.ts.
export type { ConsulSourceOptions } from './options.ts';
export { createConsulSource } from './watch.ts';
