import { decodeMessage, formatTimestamp, isMessageName, type Json, messageToJson, typeNameOf } from '../../../envoy/index.ts';
import type { TypeUrl } from '../../../xds/types.ts';
import { redacted } from './redact.ts';

/** A resource as an Any in canonical JSON, secrets redacted. Bytes that cannot be decoded are shown as base64. */
export function resourceJson(typeUrl: TypeUrl, value: Uint8Array): Json {
  const name = typeNameOf(typeUrl);
  const undecoded = { '@type': typeUrl, value: Buffer.from(value).toString('base64') };
  if (!isMessageName(name)) return undecoded;
  try {
    const json = redacted(messageToJson(name, decodeMessage(name, value)));
    return typeof json === 'object' && json !== null ? { '@type': typeUrl, ...json } : undecoded;
  } catch {
    return undecoded;
  }
}

/** Unix ms as a google.protobuf.Timestamp in JSON. */
export function timeJson(atMs: number): string {
  const seconds = Math.floor(atMs / 1000);
  return formatTimestamp({ seconds: BigInt(seconds), nanos: Math.round(atMs - seconds * 1000) * 1_000_000 });
}
