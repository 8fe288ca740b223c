import { octetField } from '../../../http2/index.ts';
import type { Field } from '../../../http2/types.ts';

const UUID_LENGTH = 36;
/** Made at once: a call for random octets costs as much as making a hundred texts of them. */
const BATCH = 512;
const HEX = Buffer.from('0123456789abcdef');

/**
 * x-request-id fields for requests that have none: random UUIDs, version 4 (RFC 9562 §5.4). They are made as octets, since most are only
 * ever written to the wire; `fill` fills with random octets.
 */
export function createRequestIds(fill: (octets: Buffer) => void): () => Field {
  const random = Buffer.alloc(BATCH * 16);
  let texts: Buffer = random;
  let left = 0;
  return () => {
    if (left === 0) {
      fill(random);
      // one that is still in use must not change
      texts = Buffer.allocUnsafeSlow(BATCH * UUID_LENGTH);
      for (let batch = 0; batch < BATCH; batch += 1) writeUuid(random, batch * 16, texts, batch * UUID_LENGTH);
      left = BATCH;
    }
    left -= 1;
    return octetField('x-request-id', texts, left * UUID_LENGTH, UUID_LENGTH);
  };
}

function writeUuid(random: Buffer, from: number, target: Buffer, at: number): void {
  random[from + 6] = (random[from + 6]! & 0x0f) | 0x40;
  random[from + 8] = (random[from + 8]! & 0x3f) | 0x80;
  let place = at;
  for (let octet = 0; octet < 16; octet += 1) {
    // 8-4-4-4-12 digits (RFC 9562 §4)
    if (octet === 4 || octet === 6 || octet === 8 || octet === 10) target[place++] = 0x2d;
    target[place++] = HEX[random[from + octet]! >> 4]!;
    target[place++] = HEX[random[from + octet]! & 15]!;
  }
}
