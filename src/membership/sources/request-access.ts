import type { ClientTlsConfig, SecretReader, SecretRef } from '../../config/index.ts';
import { RingwayError } from '../../core/index.ts';
import { type ClientTlsSettings, readClientTls } from '../../transport/index.ts';

/** What a server asks of its clients, as it is configured. */
export interface AccessConfig {
  readonly tls: ClientTlsConfig | null;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, HeaderValue>;
}

/** A secret stands in its header alone, or after `prefix`. */
export type HeaderValue = string | SecretRef | { readonly prefix: string; readonly secret: SecretRef };

/** The same, read: for requests from now on. */
export interface RequestAccess {
  readonly tls: ClientTlsSettings | null;
  readonly headers: ReadonlyMap<string, string>;
  /** Strikes the secrets out of a text that a server may have had a hand in. */
  hide(text: string): string;
}

/** Shorter ones are found by chance. */
const MIN_HIDDEN_LENGTH = 4;

/** Reads secrets and files as they are now. Rejects with RingwayError `SECRET` or `TLS_FILE` that names the one at fault. */
export async function readAccess(config: AccessConfig, readSecret: SecretReader): Promise<RequestAccess> {
  const headers = new Map<string, string>();
  const secrets: string[] = [];
  for (const [name, value] of config.headers) {
    if (typeof value === 'string') headers.set(name, value);
    else {
      const { prefix, secret } = 'secret' in value ? value : { prefix: '', secret: value };
      const text = await readSecret(secret);
      if (!/^[\x20-\x7e]+$/.test(text))
        throw new RingwayError(`${placeOf(secret)}: has what no header can hold, allowed: visible ASCII`, { code: 'SECRET' });
      headers.set(name, prefix + text);
      secrets.push(text);
    }
  }
  const tls = config.tls === null ? null : await readClientTls(config.tls);
  // The longest first: what is left of one that begins as another does would be told.
  const hidden = secrets.filter(({ length }) => length >= MIN_HIDDEN_LENGTH).sort((a, b) => b.length - a.length);
  return { tls, headers, hide: (text) => hidden.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text) };
}

function placeOf(ref: SecretRef): string {
  return ref.kind === 'file' ? ref.file : `environment variable ${ref.name}`;
}
