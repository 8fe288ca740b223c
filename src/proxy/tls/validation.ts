import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { messageOf } from '../../core/index.ts';
import {
  type CertificateValidationContext,
  CertificateValidationContext_TrustChainVerification as Verification,
} from '../../gen/envoy/extensions/transport_sockets/tls/v3/common.ts';
import type { CertificatePins, TlsContextSettings } from '../../transport/index.ts';
import { fieldPath, refuse, refuseOthers } from '../runtime/compile/index.ts';
import { type ReadSource, readDataSource, type TlsSources } from './data-source.ts';

type Validation = Pick<TlsContextSettings, 'trustedCa' | 'crl'> & { readonly pins: CertificatePins | null };

const PEM = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;
const HEX_DIGEST = /^[0-9a-f]{64}$/;
const BASE64_DIGEST = /^[A-Za-z0-9+/]{43}=$/;

/** Reads a CertificateValidationContext; without one nothing is verified. Throws CompileError. */
export function compileValidation(path: string, message: CertificateValidationContext | undefined, sources: TlsSources): Validation {
  if (!message) return { trustedCa: null, crl: null, pins: null };
  refuseOthers(path, message, {
    reads: ['trustedCa', 'crl', 'verifyCertificateHash', 'verifyCertificateSpki', 'trustChainVerification'],
    harmless: [],
  });
  const trustedCa = message.trustedCa ? readAuthorities(fieldPath(path, 'trustedCa'), message, sources) : null;
  const crl = message.crl ? readRevocations(fieldPath(path, 'crl'), message, sources) : null;
  if (crl && !trustedCa) refuse(fieldPath(path, 'crl'), 'needs trusted_ca');
  // whatever the chain says is then accepted: as if it were not asked
  const isUntrusted = message.trustChainVerification === Verification.ACCEPT_UNTRUSTED;
  return { trustedCa: isUntrusted ? null : trustedCa, crl: isUntrusted ? null : crl, pins: pinsOf(path, message) };
}

function readAuthorities(path: string, { trustedCa }: CertificateValidationContext, sources: TlsSources): Buffer {
  const { bytes, origin } = readDataSource(path, trustedCa, sources);
  const found = bytes.toString('latin1').match(PEM) ?? [];
  if (found.length === 0) refuse(path, `failed to load trusted CA certificates from ${origin}: no PEM certificate in it`);
  for (const [i, pem] of found.entries()) {
    try {
      new X509Certificate(pem);
    } catch (error) {
      refuse(path, `failed to load trusted CA certificates from ${origin}: certificate ${i + 1}: ${messageOf(error)}`);
    }
  }
  return bytes;
}

function readRevocations(path: string, { crl }: CertificateValidationContext, sources: TlsSources): Buffer {
  const { bytes, origin }: ReadSource = readDataSource(path, crl, sources);
  try {
    createSecureContext({ ca: [], crl: bytes });
  } catch (error) {
    refuse(path, `failed to load CRL from ${origin}: ${messageOf(error)}`);
  }
  return bytes;
}

function pinsOf(path: string, message: CertificateValidationContext): CertificatePins | null {
  const { verifyCertificateHash, verifyCertificateSpki } = message;
  if (verifyCertificateHash.length === 0 && verifyCertificateSpki.length === 0) return null;
  const certificates = verifyCertificateHash.map((one) => one.replaceAll(':', '').toLowerCase());
  if (!certificates.every((one) => HEX_DIGEST.test(one))) refuse(fieldPath(path, 'verifyCertificateHash'), 'invalid hex-encoded SHA-256');
  if (!verifyCertificateSpki.every((one) => BASE64_DIGEST.test(one))) {
    refuse(fieldPath(path, 'verifyCertificateSpki'), 'invalid base64-encoded SHA-256');
  }
  return { certificates: new Set(certificates), publicKeys: new Set(verifyCertificateSpki) };
}
