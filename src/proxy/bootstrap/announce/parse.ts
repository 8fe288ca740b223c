import type { ClientTlsConfig, NatsLogin } from '../../../config/types.ts';
import { createAddressPolicy } from '../../../membership/index.ts';
import type { AnnounceSettings } from '../types.ts';
import { ANNOUNCE_KEYS, type AnnounceKey, type AnnounceTexts, DEFAULT_BUCKET, DEFAULT_HEALTH_TENANT } from './keys.ts';
import { badAnnounce } from './problem.ts';

/** What the user calls a key: a flag, or a place in a file. */
type NameOf = (key: AnnounceKey) => string;

/** Go's strconv.ParseInt(…, 10, 32), by which Tempo reads it. */
const MAX_PARTITION = 2_147_483_647;

/** Whoever says by hand what is advertised may mean loopback; nobody can mean an address that cannot be dialled. */
const judgeAdvertised = createAddressPolicy(['0.0.0.0/0', '::/0', '127.0.0.0/8', '::1/128', '169.254.0.0/16', 'fe80::/10']);

/** Reads what was given; null when nothing is to be announced. Throws RingwayError `BAD_ANNOUNCE` that names key and what is allowed. */
export function parseAnnounce(texts: AnnounceTexts, nameOf: NameOf): AnnounceSettings | null {
  if (texts.nats === undefined) {
    const lost = ANNOUNCE_KEYS.find((key) => texts[key] !== undefined);
    if (lost !== undefined) throw badAnnounce(`${nameOf(lost)} goes with ${nameOf('nats')}`);
    return null;
  }
  return {
    nats: {
      servers: serversOf(texts.nats, nameOf),
      login: loginOf(texts, nameOf),
      tls: tlsOf(texts, nameOf),
      bucket: bucketOf(texts.nats_bucket ?? DEFAULT_BUCKET, nameOf),
    },
    advertise: texts.advertise === undefined ? null : advertisedOf(texts.advertise, nameOf),
    partition: texts.partition === undefined ? 'from the id' : partitionOf(texts.partition, nameOf),
    healthTenant: tenantOf(texts.health_tenant ?? DEFAULT_HEALTH_TENANT, nameOf),
  };
}

function serversOf(texts: readonly string[], nameOf: NameOf): readonly string[] {
  if (texts.length === 0) throw badAnnounce(`${nameOf('nats')} is empty; one or more servers are needed`);
  const wrong = texts.find((text) => !isNatsUrl(text));
  if (wrong !== undefined)
    throw badAnnounce(
      `${nameOf('nats')}: ${JSON.stringify(redact(wrong))} is not nats://host:port or tls://host:port, without credentials`,
    );
  return [...new Set(texts)];
}

function isNatsUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '') return false;
  return url.username === '' && url.password === '' && ['', '/'].includes(url.pathname) && url.search === '' && url.hash === '';
}

/** What stands before an @ may be a password. */
function redact(text: string): string {
  return text.replace(/\/\/.*@/, '//…@');
}

function loginOf(texts: AnnounceTexts, nameOf: NameOf): NatsLogin | null {
  const { nats_creds: creds, nats_nkey: nkey, nats_user: user, nats_password_file: password, nats_token_file: token } = texts;
  const [first, second] = (['nats_creds', 'nats_nkey', 'nats_user', 'nats_token_file'] as const).filter((key) => texts[key] !== undefined);
  if (first !== undefined && second !== undefined)
    throw badAnnounce(`${nameOf(first)} and ${nameOf(second)} are two ways to log in; one is allowed`);
  together(texts, ['nats_user', 'nats_password_file'], nameOf);
  if (creds !== undefined) return { kind: 'credentials', file: fileOf('nats_creds', creds, nameOf) };
  if (nkey !== undefined) return { kind: 'nkey', file: fileOf('nats_nkey', nkey, nameOf) };
  if (token !== undefined) return { kind: 'token', token: { kind: 'file', file: fileOf('nats_token_file', token, nameOf) } };
  if (user === undefined || password === undefined) return null;
  if (user === '') throw badAnnounce(`${nameOf('nats_user')} is empty; a name is needed`);
  return { kind: 'password', user, password: { kind: 'file', file: fileOf('nats_password_file', password, nameOf) } };
}

function tlsOf(texts: AnnounceTexts, nameOf: NameOf): ClientTlsConfig | null {
  together(texts, ['nats_cert', 'nats_key'], nameOf);
  const file = (key: 'nats_ca' | 'nats_cert' | 'nats_key'): string | null => {
    const text = texts[key];
    return text === undefined ? null : fileOf(key, text, nameOf);
  };
  const [ca, certificate, privateKey] = [file('nats_ca'), file('nats_cert'), file('nats_key')];
  return ca === null && certificate === null ? null : { ca, certificate, privateKey, serverName: null, insecureSkipVerify: false };
}

function together(texts: AnnounceTexts, [one, other]: readonly [AnnounceKey, AnnounceKey], nameOf: NameOf): void {
  if ((texts[one] === undefined) === (texts[other] === undefined)) return;
  const [there, missing] = texts[one] === undefined ? [other, one] : [one, other];
  throw badAnnounce(`${nameOf(there)} needs ${nameOf(missing)}`);
}

function fileOf(key: AnnounceKey, text: string, nameOf: NameOf): string {
  if (text === '') throw badAnnounce(`${nameOf(key)} is empty; the name of a file is needed`);
  return text;
}

function bucketOf(text: string, nameOf: NameOf): string {
  if (/^[A-Za-z0-9_-]{1,128}$/.test(text)) return text;
  throw badAnnounce(`${nameOf('nats_bucket')}: ${JSON.stringify(text)} is not a bucket; letters, digits, "_" and "-" are allowed`);
}

function advertisedOf(text: string, nameOf: NameOf): string {
  const reason = judgeAdvertised(text);
  if (reason === null) return text;
  throw badAnnounce(`${nameOf('advertise')}: ${reason}; host:port that others can dial is needed`);
}

function partitionOf(text: string, nameOf: NameOf): number | null {
  if (text === 'none') return null;
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (number <= MAX_PARTITION) return number;
  throw badAnnounce(`${nameOf('partition')}: ${JSON.stringify(text)} is not a whole number from 0 to ${MAX_PARTITION}, nor none`);
}

function tenantOf(text: string, nameOf: NameOf): string {
  if (/^[\x21-\x7e]{1,150}$/.test(text)) return text;
  throw badAnnounce(
    `${nameOf('health_tenant')}: ${JSON.stringify(text)} is not a tenant; 1 to 150 printable characters without blanks are allowed`,
  );
}
