import { ANNOUNCE_KEYS, type AnnounceKey, type AnnounceTexts, parseAnnounce } from '../../proxy/bootstrap/index.ts';
import type { AnnounceSettings } from '../../proxy/bootstrap/types.ts';

type Dashed<Key extends string> = Key extends `${infer Head}_${infer Tail}` ? `${Head}-${Dashed<Tail>}` : Key;
type TextFlag = Dashed<Exclude<AnnounceKey, 'nats'>>;
type TextFlags = Readonly<Record<TextFlag, { readonly type: 'string' }>>;

/** By what flags an inbound sidecar is told to announce its member. */
export const announceFlags: TextFlags & { readonly nats: { readonly type: 'string'; readonly multiple: true } } = {
  nats: { type: 'string', multiple: true },
  'nats-creds': { type: 'string' },
  'nats-nkey': { type: 'string' },
  'nats-user': { type: 'string' },
  'nats-password-file': { type: 'string' },
  'nats-token-file': { type: 'string' },
  'nats-ca': { type: 'string' },
  'nats-cert': { type: 'string' },
  'nats-key': { type: 'string' },
  'nats-bucket': { type: 'string' },
  advertise: { type: 'string' },
  partition: { type: 'string' },
  'health-tenant': { type: 'string' },
};

/** What the user gave of them. */
export type AnnounceValues = Readonly<Partial<Record<TextFlag, string>>> & { readonly nats?: readonly string[] };

/** Names of these flags, without dashes before them. */
export const ANNOUNCE_FLAG_NAMES: readonly (TextFlag | 'nats')[] = ANNOUNCE_KEYS.map(flagOf);

/** Help lines of these flags. */
export const announceHelp = `      --nats URL          inbound: announces the member there (nats://host:port, tls://host:port); may stand several times
      --nats-creds FILE   how to log in, one of: this .creds file,
      --nats-nkey FILE      this NKey seed,
      --nats-user NAME      this name with --nats-password-file FILE,
      --nats-token-file FILE  this token
      --nats-ca FILE      authorities to trust; --nats-cert FILE and --nats-key FILE: our own certificate
      --nats-bucket NAME  the key-value bucket (default ringway)
      --advertise ADDRESS what others dial (default: the host of --listen if it is one address, else $POD_IP, else the first address of
                          this machine that is neither loopback nor link-local; the port of --listen)
      --partition N       the partition it owns, or none (default: the number after the last dash of the member's id, as in Tempo)
      --health-tenant ID  x-scope-orgid of the health checks by which the live-store is found ready (default 0)
`;

/** What is to be announced; null without --nats. Throws RingwayError that names the flag. */
export function announceFrom(values: AnnounceValues): AnnounceSettings | null {
  const given = ANNOUNCE_KEYS.map((key) => [key, values[flagOf(key)]]).filter(([, value]) => value !== undefined);
  return parseAnnounce(Object.fromEntries(given) as AnnounceTexts, (key) => `--${flagOf(key)}`);
}

function flagOf<Key extends AnnounceKey>(key: Key): Dashed<Key> {
  return key.replaceAll('_', '-') as Dashed<Key>;
}
