// Where the members of a ring announce themselves, behind the contract MembershipBus (membership/types.ts): memory.ts within one
// process, nats/ over NATS. Knows no source, no merge, and nothing of who announces.
export { createMemoryBus, type MemoryBusOptions } from './memory.ts';
export { createNatsBus, type NatsBusOptions } from './nats/bus.ts';
export type { NatsDeps } from './nats/link.ts';
