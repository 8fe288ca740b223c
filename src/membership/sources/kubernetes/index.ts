// Members from the EndpointSlices of a Kubernetes Service, by list and watch. Begin with watch.ts, then follower.ts: read.ts is one list,
// stream.ts one watch, slice.ts what comes in, members.ts what it means.
export { createKubernetesSource } from './watch.ts';
