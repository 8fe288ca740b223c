// Begin with watch.ts.
export { createGossipSource } from './watch.ts';
