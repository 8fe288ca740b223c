// The schema table of Envoy's messages.
import { schemas } from '../gen/codecs.ts';
import type { EnumSchema, MessageSchema } from '../protobuf/index.ts';

/** The schema of a message by full name, undefined when it is not one that Ringway uses. */
export function messageSchema(name: string): MessageSchema | undefined {
  return schemas.message(name);
}

/** As `messageSchema`, for a name that the table itself refers to. */
export function knownMessage(name: string): MessageSchema {
  return schemas.message(name) ?? missing(name);
}

/** The schema of an enum that a field refers to. */
export function enumSchema(name: string): EnumSchema {
  return schemas.enum(name) ?? missing(name);
}

function missing(name: string): never {
  throw new Error(`no schema of ${name}`);
}
