// ringway.yaml: its schema, its defaults, and errors that say file, line, key and what is allowed. Begin with load.ts and schema.ts.
// The checked YAML reader and the file watch serve data files too (members of a static source). Knows no source, no server, no role.
export { readDocument } from './document.ts';
export { ConfigError } from './errors.ts';
export { createConfig, loadConfig, parseConfig, readTextFile } from './load.ts';
export { configSchema } from './schema.ts';
export { createSecretReader, type SecretReader } from './secrets.ts';
export { exposedServer } from './sources/nats.ts';
export type {
  ClientTlsConfig,
  ConsulSourceConfig,
  DnsSourceConfig,
  EtcdSourceConfig,
  GossipSourceConfig,
  KubernetesSourceConfig,
  NatsConnectionConfig,
  NatsLogin,
  NatsSourceConfig,
  RingConfig,
  RingKeys,
  RingwayConfig,
  SecretRef,
  SourceConfig,
  StaticSourceConfig,
  TempoSourceConfig,
} from './types.ts';
export { section, textValue } from './values.ts';
export { type ConfigWatch, watchConfig } from './watch-config.ts';
export { watchFile } from './watch-file.ts';
