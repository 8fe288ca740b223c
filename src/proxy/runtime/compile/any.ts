import type { Any } from '../../../gen/google/protobuf/any.ts';
import { refuse } from './support.ts';

/** The message type inside an Any: what follows the last slash of its URL; '' without one. */
export function typeNameOf(any: Any | undefined): string {
  return any ? any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1) : '';
}

/** Decodes the payload. Throws CompileError when the bytes are no such message. */
export function decodeAny<Message>(path: string, any: Any, type: { decode(bytes: Uint8Array): Message }): Message {
  try {
    return type.decode(any.value);
  } catch {
    return refuse(path, `cannot decode ${typeNameOf(any)}`);
  }
}
