import type { RingName } from '../../types.ts';
import type { Registration } from '../registration.ts';
import type { Session } from './link.ts';
import { eventSubject } from './subjects.ts';

/** What happened to a member; `reason` only with `left`: it said so, or nobody heard of it for too long. */
export type MemberEvent =
  | { readonly kind: 'joined' }
  | { readonly kind: 'state' }
  | { readonly kind: 'left'; readonly reason: 'leave' | 'expired' };

/** Tells whoever listens; nobody waits for it, and it is lost for those who do not listen now. docs/guide/events.md describes it. */
export function tellEvent(
  { nc }: Session,
  ring: RingName,
  { id, state, address, zone, partition }: Registration,
  event: MemberEvent,
  nowMs: number,
): void {
  const { kind, ...more } = event;
  const body = { ring, member: id, state: kind === 'left' ? 'LEFT' : state, address, zone, partition, atMs: nowMs, ...more };
  if (!nc.isClosed()) nc.publish(eventSubject(ring, id, kind), JSON.stringify(body));
}
