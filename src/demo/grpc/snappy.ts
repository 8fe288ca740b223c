import { decodeSnappyBlock, encodeSnappyBlock } from '../../membership/dskit/index.ts';

/**
 * The snappy framing format, which `grpc-encoding: snappy` means (not the block format alone, as in ring values).
 * https://github.com/google/snappy/blob/main/framing_format.txt
 */
const STREAM_IDENTIFIER = Buffer.from([0xff, 0x06, 0x00, 0x00, ...Buffer.from('sNaPpY')]);
const CHUNK = { compressed: 0x00, plain: 0x01, firstSkippable: 0x80 } as const;
/** §4.2: a chunk holds at most this much uncompressed data. */
const MAX_CHUNK = 65_536;

export function encodeSnappyFrames(plain: Uint8Array): Buffer {
  const parts: Buffer[] = [STREAM_IDENTIFIER];
  for (let at = 0; at < plain.length; at += MAX_CHUNK) {
    const data = plain.subarray(at, at + MAX_CHUNK);
    const packed = encodeSnappyBlock(data);
    const isSmaller = packed.length < data.length;
    const body = isSmaller ? packed : data;
    const header = Buffer.alloc(8);
    header.writeUInt8(isSmaller ? CHUNK.compressed : CHUNK.plain, 0);
    header.writeUIntLE(body.length + 4, 1, 3);
    header.writeUInt32LE(maskedCrc32c(data), 4);
    parts.push(header, Buffer.from(body.buffer, body.byteOffset, body.length));
  }
  return Buffer.concat(parts);
}

/** Throws an Error that says what is wrong with the bytes, or that more than `maxBytes` would come out. */
export function decodeSnappyFrames(framed: Buffer, maxBytes: number): Buffer {
  if (!framed.subarray(0, STREAM_IDENTIFIER.length).equals(STREAM_IDENTIFIER)) throw new Error('snappy: no stream identifier');
  const parts: Buffer[] = [];
  let total = 0;
  for (let at = 0; at < framed.length; ) {
    if (at + 4 > framed.length) throw new Error('snappy: truncated chunk header');
    const kind = framed.readUInt8(at);
    const end = at + 4 + framed.readUIntLE(at + 1, 3);
    if (end > framed.length) throw new Error('snappy: truncated chunk');
    const data = readChunk(kind, framed.subarray(at + 4, end));
    total += data.length;
    if (total > maxBytes) throw new RangeError(`${total}`);
    parts.push(data);
    at = end;
  }
  return Buffer.concat(parts);
}

const EMPTY = Buffer.alloc(0);

function readChunk(kind: number, body: Buffer): Buffer {
  if (kind >= CHUNK.firstSkippable) return EMPTY;
  if (kind > CHUNK.plain) throw new Error(`snappy: chunk type ${kind} is reserved`);
  if (body.length < 4) throw new Error('snappy: chunk without checksum');
  const data = kind === CHUNK.plain ? body.subarray(4) : Buffer.from(decodeSnappyBlock(body.subarray(4), MAX_CHUNK));
  if (maskedCrc32c(data) !== body.readUInt32LE(0)) throw new Error('snappy: checksum mismatch');
  return data;
}

const CRC32C_TABLE: Uint32Array = makeTable();

function makeTable(): Uint32Array {
  const table = new Uint32Array(256);
  for (let n = 0; n < 256; n += 1) {
    let value = n;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
    table[n] = value;
  }
  return table;
}

/** §3: CRC-32C, rotated and offset, so that a checksum of data with embedded checksums stays useful. */
function maskedCrc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < data.length; i += 1) crc = (CRC32C_TABLE[(crc ^ (data[i] as number)) & 0xff] as number) ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
