// Begin with watch.ts.
export { createNatsSource } from './watch.ts';
