import { field } from '../../../http2/index.ts';
import type { Field, HeaderBlock } from '../../../http2/types.ts';
import type { LocalReply } from '../../upstream/types.ts';

/** An answer of our own, ready to be sent. */
export interface ReplyMessage {
  readonly status: number;
  readonly headers: HeaderBlock;
  /** null: the headers end the stream. */
  readonly body: Buffer | null;
}

/** gRPC's table of what an HTTP status means; everything else is UNKNOWN (2). */
const GRPC_BY_HTTP: ReadonlyMap<number, number> = new Map([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [502, 14],
  [503, 14],
  [504, 14],
]);

const STATUS_200 = field(':status', '200');
const GRPC_TYPE = field('content-type', 'application/grpc');
const TEXT_TYPE = field('content-type', 'text/plain');

/** Trailers-only for gRPC callers, status and text for others. A HEAD request gets no body. */
export function renderReply(reply: LocalReply, caller: { readonly isGrpc: boolean; readonly isHead: boolean }): ReplyMessage {
  return caller.isGrpc ? grpcReply(reply) : httpReply(reply, caller.isHead);
}

function grpcReply({ status, grpcStatus, body, headers = [] }: LocalReply): ReplyMessage {
  const fields: Field[] = [STATUS_200, GRPC_TYPE, field('grpc-status', String(grpcStatus ?? GRPC_BY_HTTP.get(status) ?? 2))];
  if (body !== '') fields.push(field('grpc-message', encodeMessage(body)));
  fields.push(...headers);
  return { status: 200, headers: fields, body: null };
}

function httpReply({ status, body, headers = [] }: LocalReply, isHead: boolean): ReplyMessage {
  const fields: Field[] = [field(':status', String(status))];
  const bytes = Buffer.from(body);
  if (bytes.length > 0) fields.push(field('content-length', String(bytes.length)), TEXT_TYPE);
  fields.push(...headers);
  return { status, headers: fields, body: bytes.length === 0 || isHead ? null : bytes };
}

/** grpc-message: UTF-8 with everything outside printable ASCII, and `%`, percent-encoded (gRPC over HTTP/2, "Percent-Encoded"). */
function encodeMessage(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
