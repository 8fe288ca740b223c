import { FrameType } from '../../src/http2/protocol.ts';

/** One frame as octets; its payload is these parts. */
export function frameOf(
  type: keyof typeof FrameType | number,
  flags: number,
  streamId: number,
  ...parts: readonly ArrayLike<number>[]
): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = Buffer.allocUnsafe(9 + length);
  bytes.writeUIntBE(length, 0, 3);
  bytes[3] = typeof type === 'number' ? type : FrameType[type];
  bytes[4] = flags;
  bytes.writeUInt32BE(streamId, 5);
  let at = 9;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
