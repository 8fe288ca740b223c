// The rings of a running Tempo, from its gossip: memberlist's push/pull as an observer that never joins. Begin with watch.ts, then
// observer.ts (whom to ask, what to say of it), read.ts (one peer), wire/ (the bytes).
export type { GossipSourceOptions } from './options.ts';
export type { SeedDns } from './seeds.ts';
export { createGossipSource } from './watch.ts';
