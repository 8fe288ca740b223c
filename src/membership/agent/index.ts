// Announces one member on a MembershipBus: joining, heartbeats, leaving, gated by what the live-store beside it answers. Begin with
// MemberAgent. Knows no kind of bus and no proxy; nothing that carries requests may wait for it.
export { type AgentDeps, type AgentState, MemberAgent } from './agent.ts';
export { HealthProbe, type HealthProbeOptions } from './probe.ts';
export type { HealthAnswer, LiveStoreProbe } from './types.ts';
