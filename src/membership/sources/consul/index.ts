// Begin with watch.ts.
export { createConsulSource } from './watch.ts';
