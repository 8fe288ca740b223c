import { encodeGrpcMessage, grpcStatusOfHttp } from '../../../grpc/index.ts';
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

const STATUS_200 = field(':status', '200');
const GRPC_TYPE = field('content-type', 'application/grpc');
const TEXT_TYPE = field('content-type', 'text/plain');

/** Trailers-only for gRPC callers, status and text for others. A HEAD request gets no body. */
export function renderReply(reply: LocalReply, caller: { readonly isGrpc: boolean; readonly isHead: boolean }): ReplyMessage {
  return caller.isGrpc ? grpcReply(reply) : httpReply(reply, caller.isHead);
}

function grpcReply({ status, grpcStatus, body, headers = [] }: LocalReply): ReplyMessage {
  const fields: Field[] = [STATUS_200, GRPC_TYPE, field('grpc-status', String(grpcStatus ?? grpcStatusOfHttp(status)))];
  if (body !== '') fields.push(field('grpc-message', encodeGrpcMessage(body)));
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
