// Accepted resources → compiled → warm → the one configuration that requests see. Entry: Runtime.
// Compiled objects are opaque here: it knows no cluster, route or listener type.
export { type BootstrapPlan, type FeedPlan, planBootstrap } from './bootstrap-plan.ts';
export type { LimitsPlan } from './limits-plan.ts';
export type { Entry, ErrorState, NamedResource, Version } from './resource-table.ts';
export { type Feed, type Phase, Runtime, type RuntimeOptions, type RuntimeResources, type Waiting } from './runtime.ts';
