// Sockets: listening, connecting, TLS, names, own addresses. Entry: `listen`, `connect`. Knows no protocol above TCP and TLS.
export { type ClientTlsSettings, readClientTls } from './client-tls.ts';
export { type ConnectEvents, type Connecting, type ConnectOptions, connect } from './connect.ts';
export { readChunks } from './direct-read.ts';
export { endSocket } from './end-socket.ts';
export { type BoundServer, type ListenEvents, type ListenOptions, listen } from './listen.ts';
export { type ListInterfaces, localAddresses } from './local-addresses.ts';
export { collectReadGarbage, leaveBehind } from './read-garbage.ts';
export { type FoundAddress, type NameFamily, type ResolveName, resolveName } from './resolve-name.ts';
export { isTlsSocket } from './secured.ts';
export { createTlsClient, type TlsClient, type TlsClientSettings } from './tls-client.ts';
export type { CertificatePins, TlsContextSettings, TlsKeyPair, TlsVersion } from './tls-context.ts';
export { TlsError, type TlsFailureCode } from './tls-failure.ts';
export { readTlsFiles, type TlsFiles, type TlsMaterial } from './tls-files.ts';
export { createTlsServer, type TlsAcceptEvents, type TlsServer, type TlsServerSettings } from './tls-server.ts';
