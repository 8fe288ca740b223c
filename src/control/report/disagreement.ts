import type { Disagreement } from '../../membership/types.ts';

/** `nats says state JOINING, the ring ACTIVE`: where a source is at odds with the ring, after the member's name. */
export function disagreementText({ reason, source, says, ring }: Disagreement): string {
  if (reason === 'missing') return `${source} does not list it`;
  if (reason === 'address_claimed_twice') return `${source} says address ${says}, which ${ring} keeps`;
  if (reason === 'heartbeat') return `${source} has heard ${says}`;
  return `${source} says ${reason} ${says}, the ring ${ring}`;
}
