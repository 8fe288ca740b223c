// What every compiler does with a decoded message: refuse fields it cannot do, by name, and read durations, Anys and addresses.
// Entry: `refuseOthers`. Knows no resource type.
export { addressOf, type SocketEndpoint } from './address.ts';
export { decodeAny, typeNameOf } from './any.ts';
export { adsTimeoutMs } from './config-source.ts';
export { durationMs, optionalDurationMs } from './duration.ts';
export { compileHttp1Options } from './http1-options.ts';
export { type CompiledHttp2Options, compileHttp2Options, type KeepaliveSettings } from './http2-options.ts';
export { type FieldSupport, fieldPath, refuse, refuseOthers } from './support.ts';
