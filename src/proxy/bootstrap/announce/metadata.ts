import type { Json } from '../../../envoy/index.ts';
import type { Node } from '../../../gen/envoy/config/core/v3/base.ts';
import type { AnnounceSettings } from '../types.ts';
import { ANNOUNCE_KEYS, type AnnounceKey, type AnnounceTexts, DEFAULT_BUCKET, DEFAULT_HEALTH_TENANT } from './keys.ts';
import { parseAnnounce } from './parse.ts';
import { badAnnounce } from './problem.ts';

/** What errors call the section, and a key of it. */
export const ANNOUNCE_FIELD = 'node.metadata.ringway.announce';

/** The settings as they stand in `node.metadata.ringway.announce`: defaults left out, files by their names, no secret. */
export function announceJson({ nats, advertise, partition, healthTenant }: AnnounceSettings): Json {
  const { servers, login, tls, bucket } = nats;
  const values: Readonly<Record<AnnounceKey, Json | null>> = {
    nats: [...servers],
    nats_creds: login?.kind === 'credentials' ? login.file : null,
    nats_nkey: login?.kind === 'nkey' ? login.file : null,
    nats_user: login?.kind === 'password' ? login.user : null,
    nats_password_file: login?.kind === 'password' && login.password.kind === 'file' ? login.password.file : null,
    nats_token_file: login?.kind === 'token' && login.token.kind === 'file' ? login.token.file : null,
    nats_ca: tls?.ca ?? null,
    nats_cert: tls?.certificate ?? null,
    nats_key: tls?.privateKey ?? null,
    nats_bucket: bucket === DEFAULT_BUCKET ? null : bucket,
    advertise,
    partition: partition === 'from the id' ? null : (partition ?? 'none'),
    health_tenant: healthTenant === DEFAULT_HEALTH_TENANT ? null : healthTenant,
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}

/** What a node says of announcing; null when it says nothing. Throws RingwayError `BAD_ANNOUNCE` that names the field. */
export function readAnnounce(node: Node | undefined): AnnounceSettings | null {
  const section = objectOf(objectOf(node?.metadata)?.['ringway'])?.['announce'];
  if (section === undefined) return null;
  const values = objectOf(section);
  if (!values) throw badAnnounce(`${ANNOUNCE_FIELD} is not an object`);
  const unknown = Object.keys(values).find((key) => !ANNOUNCE_KEYS.some((known) => known === key));
  if (unknown !== undefined)
    throw badAnnounce(`${ANNOUNCE_FIELD}: no such key ${JSON.stringify(unknown)}; allowed: ${ANNOUNCE_KEYS.join(', ')}`);
  if (values['nats'] === undefined) throw badAnnounce(`${ANNOUNCE_FIELD}.nats is needed: one or more servers`);
  return parseAnnounce(textsOf(values), (key) => `${ANNOUNCE_FIELD}.${key}`);
}

function textsOf({ nats, ...rest }: Readonly<Record<string, unknown>>): AnnounceTexts {
  const servers = (Array.isArray(nats) ? nats : [nats]).map((value) => textOf('nats', value));
  return { nats: servers, ...Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, textOf(key, value)])) };
}

function textOf(key: string, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw badAnnounce(`${ANNOUNCE_FIELD}.${key}: ${JSON.stringify(value)} is not a text`);
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}
