import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { join } from 'node:path';

/** A certificate with its key, both PEM; `issuer` of others when it is an authority. */
export interface TestCertificate {
  readonly certificate: string;
  readonly privateKey: string;
  readonly name: string;
  readonly key: KeyObject;
}

export interface CertificateOptions {
  /** Self-signed unless given. */
  readonly issuer?: TestCertificate;
  readonly isAuthority?: boolean;
  /** DNS names and IPv4 addresses. */
  readonly names?: readonly string[];
  readonly keyKind?: 'ec' | 'rsa';
  /** Valid from 2020 until the beginning of this year; 2049. */
  readonly to?: number;
}

let serial = 1;

/** Makes an X.509 v3 certificate (RFC 5280) with a key of its own. */
export function makeCertificate(name: string, options: CertificateOptions = {}): TestCertificate {
  const { issuer, isAuthority = false, names = [], keyKind = 'ec', to = 2049 } = options;
  const pair =
    keyKind === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' }) : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const signer = issuer?.key ?? pair.privateKey;
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'der' });
  const extensions = [
    extension('551d13', sequence(...(isAuthority ? [der(0x01, Buffer.from([0xff]))] : []))),
    extension('551d0e', der(0x04, createHash('sha1').update(publicKey).digest())),
    ...(names.length === 0 ? [] : [extension('551d11', sequence(...names.map(alternativeName)))]),
  ];
  const body = sequence(
    der(0xa0, integer(2)),
    integer(serial++),
    algorithmOf(signer),
    nameOf(issuer?.name ?? name),
    sequence(time(2020), time(to)),
    nameOf(name),
    publicKey,
    der(0xa3, sequence(...extensions)),
  );
  const bytes = sequence(body, algorithmOf(signer), bitString(sign('sha256', body, signer)));
  return {
    certificate: pem('CERTIFICATE', bytes),
    privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    name,
    key: pair.privateKey,
  };
}

/** A revocation list of an authority, PEM. `revoked`: serial numbers as hex. */
export function makeRevocationList(authority: TestCertificate, revoked: readonly string[]): string {
  const entries = revoked.map((hex) => sequence(der(0x02, Buffer.from(hex.padStart(2, '0'), 'hex')), time(2021)));
  const list = revoked.length === 0 ? [] : [sequence(...entries)];
  const body = sequence(integer(1), algorithmOf(authority.key), nameOf(authority.name), time(2020), time(2049), ...list);
  return pem('X509 CRL', sequence(body, algorithmOf(authority.key), bitString(sign('sha256', body, authority.key))));
}

/** Authorities and certificates as tests need them, as files of `folder` named `<name>.crt` and `<name>.key`. */
export function writeCertificates(folder: string): Readonly<Record<CertificateName, TestCertificate>> {
  const ca = makeCertificate('ca', { isAuthority: true });
  const otherCa = makeCertificate('other-ca', { isAuthority: true });
  const names = ['localhost', '127.0.0.1'];
  const made = {
    ca,
    'other-ca': otherCa,
    server: makeCertificate('server', { issuer: ca, names }),
    client: makeCertificate('client', { issuer: ca, names: ['client.test'] }),
    stranger: makeCertificate('stranger', { issuer: otherCa, names: ['stranger.test'] }),
    expired: makeCertificate('expired', { issuer: ca, names, to: 2021 }),
  };
  for (const [name, { certificate, privateKey }] of Object.entries(made)) {
    writeFileSync(join(folder, `${name}.crt`), certificate);
    writeFileSync(join(folder, `${name}.key`), privateKey);
  }
  return made;
}

export type CertificateName = 'ca' | 'other-ca' | 'server' | 'client' | 'stranger' | 'expired';

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const body = Buffer.concat(contents);
  const { length } = body;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

function sequence(...contents: readonly Buffer[]): Buffer {
  return der(0x30, ...contents);
}

function integer(value: number): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return der(0x02, (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.from([0]), bytes]));
}

function bitString(bytes: Buffer): Buffer {
  return der(0x03, Buffer.from([0]), bytes);
}

function objectId(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

/** ecdsa-with-SHA256 or sha256WithRSAEncryption. */
function algorithmOf(key: KeyObject): Buffer {
  return key.asymmetricKeyType === 'ec'
    ? sequence(objectId('2a8648ce3d040302'))
    : sequence(objectId('2a864886f70d01010b'), Buffer.from([0x05, 0]));
}

/** A distinguished name of nothing but a common name. */
function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(objectId('550403'), der(0x0c, Buffer.from(commonName)))));
}

function time(year: number): Buffer {
  return der(0x17, Buffer.from(`${String(year).slice(2)}0101000000Z`));
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(objectId(id), der(0x04, value));
}

function alternativeName(name: string): Buffer {
  return isIPv4(name) ? der(0x87, Buffer.from(name.split('.').map(Number))) : der(0x82, Buffer.from(name));
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
