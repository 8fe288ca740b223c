// Listeners: addresses that are listened on, and the handing over of their connections to filters.
// Entry: `createListenerCompiler` (LDS); then `bind`, `serve`, `retire` or `drain` of each `Listener`.
// Must not know what filters do with connections.
export { createListenerCompiler } from './compile.ts';
export { ConnectionLimit } from './connection-limit.ts';
export type { ListenerDeps } from './deps.ts';
export type { Listener } from './listener.ts';
