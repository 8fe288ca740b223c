// Members from a file. Begin with watch.ts.
export { createStaticSource } from './watch.ts';
