import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { messageOf, RingwayError } from '../core/index.ts';

/** RFC 8996: nothing older is spoken. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** A certificate and its key as PEM. */
export interface TlsKeyPair {
  /** Leaf first, then what leads to the authority. */
  readonly chain: Buffer;
  readonly privateKey: Buffer;
  /** Of an encrypted key. */
  readonly password: string | null;
}

/** What both sides of TLS are made of. */
export interface TlsContextSettings {
  /** Shown to the peer; several only with different kinds of keys. */
  readonly keyPairs: readonly TlsKeyPair[];
  /** PEM of the authorities, intermediate ones too, that the peer's chain must lead to; null: the chain is not verified. */
  readonly trustedCa: Buffer | null;
  /** PEM of revocation lists, one for every authority of the chain; null: nothing is revoked. */
  readonly crl: Buffer | null;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** OpenSSL's names, best first. */
  readonly ciphers: readonly string[];
  readonly curves: readonly string[];
  /** Null: OpenSSL's own choice. */
  readonly signatureAlgorithms: readonly string[] | null;
}

/** Peers that are accepted by their certificate itself (RFC 7469's idea); one match of either kind is enough. */
export interface CertificatePins {
  /** SHA-256 of the leaf's DER, lower-case hex. */
  readonly certificates: ReadonlySet<string>;
  /** SHA-256 of the leaf's SubjectPublicKeyInfo, base64. */
  readonly publicKeys: ReadonlySet<string>;
}

/** Only what `settings` trust is trusted: never the authorities that Node brings along. */
export function contextOptions(settings: TlsContextSettings): SecureContextOptions {
  const { keyPairs, trustedCa, crl, signatureAlgorithms } = settings;
  return {
    cert: keyPairs.map(({ chain }) => chain),
    key: keyPairs.map(({ privateKey, password }) => (password === null ? privateKey : { pem: privateKey, passphrase: password })),
    ca: trustedCa ?? [],
    allowPartialTrustChain: true,
    minVersion: settings.minVersion,
    maxVersion: settings.maxVersion,
    ciphers: settings.ciphers.join(':'),
    ecdhCurve: settings.curves.join(':'),
    ...(crl === null ? {} : { crl }),
    ...(signatureAlgorithms === null ? {} : { sigalgs: signatureAlgorithms.join(':') }),
  };
}

/** Throws RingwayError TLS_MATERIAL: a key that does not fit, a name OpenSSL does not know, no PEM. */
export function withMaterial<Made>(make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    throw new RingwayError(`openssl refuses it: ${messageOf(error)}`, { code: 'TLS_MATERIAL', cause: error });
  }
}

/** Throws as `withMaterial`. */
export function secureContext(settings: TlsContextSettings): SecureContext {
  return withMaterial(() => createSecureContext(contextOptions(settings)));
}
