/** What announcing is configured with, by its key in `node.metadata.ringway.announce`. Each is a flag with dashes for underscores. */
export const ANNOUNCE_KEYS = [
  'nats',
  'nats_creds',
  'nats_nkey',
  'nats_user',
  'nats_password_file',
  'nats_token_file',
  'nats_ca',
  'nats_cert',
  'nats_key',
  'nats_bucket',
  'advertise',
  'partition',
  'health_tenant',
] as const;

export type AnnounceKey = (typeof ANNOUNCE_KEYS)[number];

/** As given; `nats` may stand several times. */
export type AnnounceTexts = Readonly<Partial<Record<Exclude<AnnounceKey, 'nats'>, string>>> & { readonly nats?: readonly string[] };

export const DEFAULT_BUCKET = 'ringway';
export const DEFAULT_HEALTH_TENANT = '0';
