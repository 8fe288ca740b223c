// Members that announce themselves over NATS. Begin with watch.ts.
export { createNatsSource } from './watch.ts';
