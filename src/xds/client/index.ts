// The client half of xDS: one ADS stream, delta or state-of-the-world, and the last accepted configuration on disk.
// Entry: AdsClient. Hands updates to a ResourceSink and stands on an AdsTransport; knows nothing of proxying.
export { AdsClient, type AdsClientOptions } from './ads-client.ts';
export type { Interest, Interests } from './interest.ts';
export { PathSource } from './path-source.ts';
export { StateFile } from './state-file.ts';
