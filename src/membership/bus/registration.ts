import { z } from 'zod';
import { messageOf, RingwayError } from '../../core/index.ts';
import type { Announcement, MemberId } from '../types.ts';

/** What stands on a bus for one member. The heartbeat is the time at which it was written last. */
export interface Registration extends Announcement {
  /** Tells one process's hold on the id from another's. */
  readonly session: string;
  /** Unix ms of `join`. */
  readonly registeredMs: number;
}

/** No registration is larger, in bytes. */
export const MAX_REGISTRATION_BYTES = 4096;

const announcement = z.object({
  id: z.string().regex(/^[\x21-\x7e]{1,253}$/, { error: 'is not 1 to 253 visible ASCII characters' }),
  address: z.string().regex(/^.{1,512}$/, { error: 'is not 1 to 512 characters' }),
  zone: z.string().regex(/^[\x20-\x7e]{0,253}$/, { error: 'is not up to 253 ASCII characters' }),
  partition: z.int32().min(0, { error: 'is not a whole number from 0, or null' }).nullable(),
  state: z.enum(['ACTIVE', 'LEAVING', 'PENDING', 'JOINING', 'LEFT']),
});

/** Later versions may add keys; a change that older readers would get wrong makes it 2. */
const registration = announcement.extend({
  v: z.literal(1),
  session: z.string().min(1).max(64),
  registeredMs: z.number().min(0).max(Number.MAX_SAFE_INTEGER),
});

/** Throws RingwayError `BUS_REFUSED` that names the field at fault. */
export function assertAnnouncement(given: Announcement): void {
  const { success, error } = announcement.safeParse(given);
  if (!success) throw new RingwayError(`member ${JSON.stringify(given.id)}: ${inOneLine(error)}`, { code: 'BUS_REFUSED' });
}

/** As JSON: `{"v":1,"id":…,"address":…,"zone":…,"partition":…,"state":…,"session":…,"registeredMs":…}`. */
export function encodeRegistration({ id, address, zone, partition, state, session, registeredMs }: Registration): Uint8Array {
  return Buffer.from(JSON.stringify({ v: 1, id, address, zone, partition, state, session, registeredMs }));
}

/** Reads what anybody may have written for the member `id`. What is wrong comes back as one line. */
export function parseRegistration(bytes: Uint8Array, id: MemberId): Registration | { readonly problem: string } {
  if (bytes.length > MAX_REGISTRATION_BYTES) return { problem: `${bytes.length} bytes, allowed: up to ${MAX_REGISTRATION_BYTES}` };
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  } catch (error) {
    return { problem: `not JSON: ${messageOf(error).replaceAll(/[^\x20-\x7e]+/g, ' ')}` };
  }
  const { success, data, error } = registration.safeParse(json);
  if (!success) return { problem: inOneLine(error) };
  if (data.id !== id) return { problem: `is the registration of ${JSON.stringify(data.id)}` };
  const { v: _, ...fields } = data;
  return fields;
}

function inOneLine(error: z.ZodError): string {
  const [first] = error.issues;
  const where = first === undefined || first.path.length === 0 ? 'the value' : first.path.join('.');
  return `${where}: ${first?.message ?? 'is wrong'}`;
}
