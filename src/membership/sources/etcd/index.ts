// Begin with watch.ts.
export { createEtcdSource } from './watch.ts';
