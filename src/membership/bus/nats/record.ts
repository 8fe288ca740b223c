// One key of the bucket: compare-and-set, remove, read.
import { headers } from '@nats-io/transport-node';
import type { MemberId } from '../../types.ts';
import { parseRegistration, type Registration } from '../registration.ts';
import { conflictOf } from './errors.ts';
import type { Session } from './link.ts';

/** `conflict`: somebody else has written; `revision` is what is there now, 0 for nothing, null when the server does not say. */
export type WriteResult =
  | { readonly kind: 'written'; readonly revision: number }
  | { readonly kind: 'conflict'; readonly revision: number | null };

/** What stands at a key. `removed`: a marker that it was taken away; `unreadable`: nothing that a member has written. */
export type Found =
  | { readonly kind: 'nothing'; readonly revision: 0 }
  | { readonly kind: 'removed' | 'unreadable'; readonly revision: number }
  | { readonly kind: 'registered'; readonly revision: number; readonly registration: Registration };

/** What was read: a value, or that it was removed. */
type Content =
  | { readonly kind: 'removed' }
  | { readonly kind: 'registered'; readonly registration: Registration }
  | { readonly problem: string };

/** The headers of a message, as this needs them. */
interface HeaderReader {
  has(name: string): boolean;
  get(name: string): string;
}

/** Header of key-value stores that marks a key as removed. */
const OPERATION = 'KV-Operation';
/** The server marks removals of its own (age, limits) with this. */
const MARKER = 'Nats-Marker-Reason';
/** JetStream puts it on what it sends in answer to a request, which may have named another member's key as the place to answer to. */
const ANSWER = 'Nats-Stream';

/** Writes if `expected` is what is there (0: nothing); `value` null removes. Rejects with what the client throws. */
export async function writeRecord(
  { js }: Session,
  subject: string,
  value: Uint8Array | null,
  expected: number,
  timeoutMs: number,
): Promise<WriteResult> {
  const marker = headers();
  if (value === null) marker.set(OPERATION, 'DEL');
  try {
    const expect = { lastSubjectSequence: expected };
    const { seq } = await js.publish(subject, value ?? undefined, { expect, timeout: timeoutMs, headers: marker });
    return { kind: 'written', revision: seq };
  } catch (error) {
    const revision = conflictOf(error);
    if (revision === undefined) throw error;
    return { kind: 'conflict', revision };
  }
}

/** Reads one key. A replica may answer with what was there a moment ago. Rejects with what the client throws. */
export async function readRecord({ jsm }: Session, stream: string, subject: string, id: MemberId): Promise<Found> {
  const stored = await jsm.direct.getMessage(stream, { last_by_subj: subject });
  if (stored === null) return { kind: 'nothing', revision: 0 };
  // The server puts its headers last, so that only a second one tells of an answer.
  const content = contentOf(
    stored.data,
    { has: (name) => stored.header.values(name).length > (name === ANSWER ? 1 : 0), get: (name) => stored.header.get(name) },
    id,
  );
  return 'problem' in content ? { kind: 'unreadable', revision: stored.seq } : { ...content, revision: stored.seq };
}

/** Whether a message is a value as a member writes it, whatever else its headers say. */
export function isValue(header: HeaderReader | undefined): boolean {
  return header === undefined || ![ANSWER, MARKER, OPERATION].some((name) => header.has(name));
}

/** What a message of the bucket says of the member `id`. */
export function contentOf(data: Uint8Array, header: HeaderReader | undefined, id: MemberId): Content {
  if (header?.has(ANSWER)) return { problem: 'is an answer that somebody had sent here, not written by a member' };
  if (header?.has(MARKER) || ['DEL', 'PURGE'].includes(header?.get(OPERATION) ?? '')) return { kind: 'removed' };
  const registration = parseRegistration(data, id);
  return 'problem' in registration ? registration : { kind: 'registered', registration };
}
