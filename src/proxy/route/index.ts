// Routes: which virtual host and which route a request is, and what is to be done with it. Pure.
// Entry: `createRouteCompiler` (RDS), `compileRoutes` (inline); a request asks `RouteTable.route`.
// Must not know connections, bodies or how a request is carried out.
export { chooseCluster } from './choose-cluster.ts';
export { type CompiledRoutes, compileRoutes } from './compile/configuration.ts';
export { createRouteCompiler } from './compile/index.ts';
export { mutateHeaders } from './header-mutation.ts';
export { boundTimeouts } from './timeouts.ts';
