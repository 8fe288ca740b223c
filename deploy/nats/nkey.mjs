// User keys of NATS: base32 of a prefix, an Ed25519 key and a CRC-16. A seed's prefix is five bits "seed" and what it is a seed of.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';

const SEED = 18 << 3;
const USER = 20 << 3;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
/** PKCS #8 of an Ed25519 private key, up to the key. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A new user key: `{ seed, publicKey }`, as nats-server and its clients write them. */
export function newKeyPair() {
  return pairOf(Buffer.from(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }).d, 'base64url'));
}

/** The key pair of a seed; undefined when the text is none. */
export function readKeyPair(seed) {
  const bytes = decode(seed);
  const isSeed = bytes.length === 36 && bytes[0] === (SEED | (USER >> 5)) && bytes.readUInt16LE(34) === crc16(bytes.subarray(0, 34));
  return isSeed ? pairOf(bytes.subarray(2, 34)) : undefined;
}

function pairOf(raw) {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, raw]), format: 'der', type: 'pkcs8' });
  const publicRaw = Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x, 'base64url');
  return {
    seed: encode(Buffer.concat([Buffer.from([SEED | (USER >> 5), (USER & 31) << 3]), raw])),
    publicKey: encode(Buffer.concat([Buffer.from([USER]), publicRaw])),
  };
}

function encode(bytes) {
  const check = Buffer.alloc(2);
  check.writeUInt16LE(crc16(bytes));
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of [...bytes, ...check]) {
    value = ((value << 8) | byte) & 0xffff;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += ALPHABET[(value >> (bits - 5)) & 31];
  }
  return bits === 0 ? text : text + ALPHABET[(value << (5 - bits)) & 31];
}

function decode(text) {
  const bytes = [];
  let bits = 0;
  let value = 0;
  for (const letter of text) {
    const index = ALPHABET.indexOf(letter);
    if (index < 0) return Buffer.alloc(0);
    value = ((value << 5) | index) & 0xffff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 0xff);
    }
  }
  return Buffer.from(bytes);
}

/** CRC-16/XMODEM. */
function crc16(bytes) {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}
