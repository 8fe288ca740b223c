// Begin with watch.ts.
export { createDnsSource } from './watch.ts';
