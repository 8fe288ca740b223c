// Members from a file. Begin with watch.ts.
export type { StaticSourceOptions } from './options.ts';
export { createStaticSource } from './watch.ts';
