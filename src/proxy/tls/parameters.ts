import { TlsParameters_TlsProtocol as Protocol, type TlsParameters } from '../../gen/envoy/extensions/transport_sockets/tls/v3/common.ts';
import type { TlsContextSettings, TlsVersion } from '../../transport/index.ts';
import { fieldPath, refuse, refuseOthers } from '../runtime/compile/index.ts';

type Parameters = Pick<TlsContextSettings, 'minVersion' | 'maxVersion' | 'ciphers' | 'curves' | 'signatureAlgorithms'>;

/** Not configurable, as in Envoy. AES-128 first: what BoringSSL and Go prefer, and the cheapest where the CPU has AES. */
const TLS13_SUITES = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'] as const;

/** Envoy's own list for TLS 1.2. */
const DEFAULT_CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
] as const;

/** Names that BoringSSL and OpenSSL have in common, without those for pre-shared keys and 3DES. */
const CIPHERS: ReadonlySet<string> = new Set([
  ...DEFAULT_CIPHERS,
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA',
  'AES256-SHA',
]);

const DEFAULT_CURVES = ['X25519', 'P-256'] as const;
const CURVES: ReadonlySet<string> = new Set([...DEFAULT_CURVES, 'P-384', 'P-521', 'X25519MLKEM768']);

const SIGNATURE_ALGORITHMS: ReadonlySet<string> = new Set([
  'ecdsa_secp256r1_sha256',
  'ecdsa_secp384r1_sha384',
  'ecdsa_secp521r1_sha512',
  'rsa_pss_rsae_sha256',
  'rsa_pss_rsae_sha384',
  'rsa_pss_rsae_sha512',
  'rsa_pkcs1_sha256',
  'rsa_pkcs1_sha384',
  'rsa_pkcs1_sha512',
  'ed25519',
]);

/** Reads TlsParameters. Throws CompileError, also for versions before 1.2 (RFC 8996) and names that OpenSSL does not have. */
export function compileParameters(path: string, message: TlsParameters | undefined): Parameters {
  if (!message) {
    return {
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      ciphers: [...TLS13_SUITES, ...DEFAULT_CIPHERS],
      curves: DEFAULT_CURVES,
      signatureAlgorithms: null,
    };
  }
  refuseOthers(path, message, {
    reads: ['tlsMinimumProtocolVersion', 'tlsMaximumProtocolVersion', 'cipherSuites', 'ecdhCurves', 'signatureAlgorithms'],
    harmless: [],
  });
  const minVersion = versionOf(fieldPath(path, 'tlsMinimumProtocolVersion'), message.tlsMinimumProtocolVersion, 'TLSv1.2');
  const maxVersion = versionOf(fieldPath(path, 'tlsMaximumProtocolVersion'), message.tlsMaximumProtocolVersion, 'TLSv1.3');
  if (minVersion > maxVersion) refuse(fieldPath(path, 'tlsMaximumProtocolVersion'), `${maxVersion} is below the minimum ${minVersion}`);
  const ciphers = message.cipherSuites.flatMap(cipherNames);
  const known = (key: 'ecdhCurves' | 'signatureAlgorithms', names: ReadonlySet<string>): readonly string[] =>
    allKnown(fieldPath(path, key), message[key], names);
  return {
    minVersion,
    maxVersion,
    ciphers: [...TLS13_SUITES, ...(ciphers.length === 0 ? DEFAULT_CIPHERS : allKnown(fieldPath(path, 'cipherSuites'), ciphers, CIPHERS))],
    curves: message.ecdhCurves.length === 0 ? DEFAULT_CURVES : known('ecdhCurves', CURVES),
    signatureAlgorithms: message.signatureAlgorithms.length === 0 ? null : known('signatureAlgorithms', SIGNATURE_ALGORITHMS),
  };
}

function versionOf(path: string, protocol: Protocol, automatic: TlsVersion): TlsVersion {
  switch (protocol) {
    case Protocol.TLS_AUTO:
      return automatic;
    case Protocol.TLSv1_2:
      return 'TLSv1.2';
    case Protocol.TLSv1_3:
      return 'TLSv1.3';
    default:
      return refuse(path, 'only TLSv1_2 and TLSv1_3 are supported');
  }
}

/** BoringSSL's `[a|b]` are equals among which the client chooses; here the first is preferred. */
function cipherNames(entry: string): readonly string[] {
  return entry.split(':').flatMap((one) => (one.startsWith('[') && one.endsWith(']') ? one.slice(1, -1).split('|') : [one]));
}

function allKnown(path: string, names: readonly string[], known: ReadonlySet<string>): readonly string[] {
  const strange = names.find((name) => !known.has(name));
  return strange === undefined ? names : refuse(path, `${strange} is not supported (only ${[...known].join(', ')})`);
}
