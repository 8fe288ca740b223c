// Where things stand on NATS. The bucket follows the conventions of JetStream's key-value stores, so that `nats kv` shows it.
import type { MemberId, RingName } from '../../types.ts';
import { decodeToken, encodeToken } from '../token.ts';

/** The stream behind a bucket. */
export function streamOf(bucket: string): string {
  return `KV_${bucket}`;
}

/** Every subject of a bucket. */
export function bucketSubjects(bucket: string): string {
  return `$KV.${bucket}.>`;
}

/** Every member of a ring in a bucket. */
export function ringSubjects(bucket: string, ring: RingName): string {
  return `$KV.${bucket}.${encodeToken(ring)}.>`;
}

/** The one subject that a member writes. */
export function memberSubject(bucket: string, ring: RingName, member: MemberId): string {
  return `$KV.${bucket}.${encodeToken(ring)}.${encodeToken(member)}`;
}

/** The key within the bucket, as `nats kv` shows it. */
export function keyOf(bucket: string, subject: string): string {
  return subject.slice(`$KV.${bucket}.`.length);
}

/** The member of a key `<ring>.<member>`; null when the key names none. */
export function memberOfKey(key: string): MemberId | null {
  const [, token = '', ...more] = key.split('.');
  return more.length === 0 ? decodeToken(token) : null;
}

/** Where what happens to a member is told. */
export function eventSubject(ring: RingName, member: MemberId, event: 'joined' | 'left' | 'state'): string {
  return `ringway.${encodeToken(ring)}.${encodeToken(member)}.${event}`;
}

/** Where answers to a member come in: its login may read no others. null: the client's own default, for control. */
export function inboxPrefix(member: MemberId | null): string {
  return member === null ? '_INBOX' : `_INBOX_${encodeToken(member)}`;
}
