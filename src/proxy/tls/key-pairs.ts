import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { messageOf } from '../../core/index.ts';
import type { TlsCertificate } from '../../gen/envoy/extensions/transport_sockets/tls/v3/common.ts';
import type { TlsKeyPair } from '../../transport/index.ts';
import { fieldPath, refuse, refuseOthers } from '../runtime/compile/index.ts';
import { type ReadSource, readDataSource, type TlsSources } from './data-source.ts';

/** Reads `tls_certificates`. Throws CompileError, also for two keys of one kind: which of them to show would be a matter of names. */
export function compileKeyPairs(path: string, messages: readonly TlsCertificate[], sources: TlsSources): readonly TlsKeyPair[] {
  const kinds = new Set<string>();
  return messages.map((message, i) => {
    const at = `${path}[${i}]`;
    const { pair, kind } = compileKeyPair(at, message, sources);
    if (kinds.has(kind)) refuse(at, `a second certificate with a key of kind ${kind} is not supported (one of each kind)`);
    kinds.add(kind);
    return pair;
  });
}

function compileKeyPair(path: string, message: TlsCertificate, sources: TlsSources): { pair: TlsKeyPair; kind: string } {
  refuseOthers(path, message, { reads: ['certificateChain', 'privateKey', 'password'], harmless: [] });
  const chainPath = fieldPath(path, 'certificateChain');
  const keyPath = fieldPath(path, 'privateKey');
  const chain = readDataSource(chainPath, message.certificateChain, sources);
  const privateKey = readDataSource(keyPath, message.privateKey, sources);
  const password = message.password ? readDataSource(fieldPath(path, 'password'), message.password, sources).bytes.toString() : null;
  const leaf = leafOf(chainPath, chain);
  const key = keyOf(keyPath, privateKey, password);
  if (!leaf.checkPrivateKey(key)) refuse(keyPath, `${privateKey.origin} is not the key of the certificate in ${chain.origin}`);
  return { pair: { chain: chain.bytes, privateKey: privateKey.bytes, password }, kind: key.asymmetricKeyType ?? 'unknown' };
}

function leafOf(path: string, { bytes, origin }: ReadSource): X509Certificate {
  try {
    return new X509Certificate(bytes);
  } catch (error) {
    return refuse(path, `failed to load certificate chain from ${origin}: ${messageOf(error)}`);
  }
}

function keyOf(path: string, { bytes, origin }: ReadSource, password: string | null): KeyObject {
  try {
    return createPrivateKey({ key: bytes, ...(password === null ? {} : { passphrase: password }) });
  } catch (error) {
    return refuse(path, `failed to load private key from ${origin}: ${messageOf(error)}`);
  }
}
