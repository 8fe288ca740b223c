import { RingwayError } from '../../../core/index.ts';
import type { SourceReport } from '../../types.ts';
import type { ApiTarget } from './access.ts';
import { membersOf } from './members.ts';
import type { KubernetesSourceOptions } from './options.ts';
import type { SliceStore } from './store.ts';

/** So many problems are told in full. */
const TOLD = 3;

/**
 * What the slices say of the ring. Endpoints that cannot be used are a warning beside others that can; when none can, that is a failure
 * (`API_ANSWER`): it does not mean that the ring is empty.
 */
export function reportOf(store: SliceStore, target: ApiTarget, options: KubernetesSourceOptions, asOfMs: number): SourceReport {
  const { members, problems } = membersOf(store.slices, options);
  const where = `${target.server}: endpointslices of ${target.namespace}/${target.service}`;
  const told = summarize(problems);
  if (members.length === 0 && !store.isEmpty)
    return { kind: 'failed', error: new RingwayError(`${where}: no endpoint can be used: ${told}`, { code: 'API_ANSWER' }) };
  const warning = store.hasSlices ? told : 'there are none: no Service of that name, or one without a selector';
  return {
    kind: 'members',
    ring: options.ring,
    members,
    partitions: [],
    asOfMs,
    ...(warning === '' ? {} : { warning: `${where}: ${warning}` }),
  };
}

function summarize(problems: readonly string[]): string {
  const more = problems.length > TOLD ? `; and ${problems.length - TOLD} more` : '';
  return `${problems.slice(0, TOLD).join('; ')}${more}`.replaceAll(/[^\x20-\x7e]+/g, ' ');
}
