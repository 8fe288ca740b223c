// Begin with watch.ts.
export { createKubernetesSource } from './watch.ts';
