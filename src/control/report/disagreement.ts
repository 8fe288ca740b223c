import type { Disagreement } from '../../membership/types.ts';

/** `nats says state JOINING, the ring ACTIVE`: where a source is at odds with the ring, after the member's name. */
export function disagreementText({ reason, source, says, ring }: Disagreement | DisagreementJson): string {
  if (reason === 'missing') return `${source} does not list it`;
  if (reason === 'address_claimed_twice') return `${source} says address ${says}, which ${ring} keeps`;
  if (reason === 'heartbeat') return `${source} has heard ${says}`;
  return `${source} says ${reason} ${says}, the ring ${ring}`;
}

/** A disagreement as JSON: what does not apply is absent. */
export interface DisagreementJson extends Omit<Disagreement, 'says' | 'ring'> {
  readonly says?: string;
  readonly ring?: string;
}

export function disagreementJson({ reason, source, says, ring }: Disagreement): DisagreementJson {
  return { reason, source, ...(says === null ? {} : { says }), ...(ring === null ? {} : { ring }) };
}
